package metrics

// sleepParity claims metrics of the night, 0 to 6, and of the day.
func sleepParity() []parityRow {
	of := map[string]func(Distribution) float64{
		"mean_glu.mean":                    Distribution.Mean,
		"in_range_percent.in_range_63_140": func(d Distribution) float64 { return d.Pct(d.Within(63, 140)) },
		"in_range_percent.in_range_70_180": func(d Distribution) float64 { return d.Pct(d.Within(70, 180)) },
		"below_percent.below_54":           func(d Distribution) float64 { return d.Pct(d.Below(54)) },
		"below_percent.below_70":           func(d Distribution) float64 { return d.Pct(d.Below(70)) },
		"above_percent.above_140":          func(d Distribution) float64 { return d.Pct(d.Above(140)) },
		"above_percent.above_180":          func(d Distribution) float64 { return d.Pct(d.Above(180)) },
		"above_percent.above_250":          func(d Distribution) float64 { return d.Pct(d.Above(250)) },
		"cv_glu.CV":                        Distribution.CV,
		"gmi.GMI":                          func(d Distribution) float64 { return GMI(d.Mean()) },
		"lbgi.LBGI":                        func(d Distribution) float64 { low, _ := d.BloodGlucoseIndices(RiskScaleIGLU); return low },
		"hbgi.HBGI":                        func(d Distribution) float64 { _, high := d.BloodGlucoseIndices(RiskScaleIGLU); return high },
	}
	var rows []parityRow
	for metric, f := range of {
		rows = append(rows, parityRow{"sleep_wake." + metric + " sleep", "0-6,both", 1e-12, func(s series) float64 {
			night, _ := DefaultNight().Split(s.readings)
			return f(DistributionOf(night))
		}}, parityRow{"sleep_wake." + metric + " wake", "0-6,both", 1e-12, func(s series) float64 {
			_, day := DefaultNight().Split(s.readings)
			return f(DistributionOf(day))
		}})
	}
	return rows
}

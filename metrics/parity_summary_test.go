package metrics

// summaryParity claims what a Summary holds.
func summaryParity() []parityRow {
	pct := func(n func(Ranges) int) func(Summary) float64 {
		return func(s Summary) float64 { return s.Ranges.Pct(n(s.Ranges)) }
	}
	summary := once(func(s series) Summary {
		return Summarize(s.readings, Scope{StepMin: MedianStep(s.readings), RiskScale: RiskScaleIGLU})
	})
	row := func(metric, params string, of func(Summary) float64) parityRow {
		return parityRow{metric, params, 1e-12, func(s series) float64 { return of(summary(s)) }}
	}
	return []parityRow{
		row("n", "", func(s Summary) float64 { return float64(s.Values) }),
		row("mean_glu", "", func(s Summary) float64 { return s.MeanMgdL }),
		row("sd_glu", "", func(s Summary) float64 { return s.SDMgdL }),
		row("cv_glu", "", func(s Summary) float64 { return s.CVPct }),
		row("median_glu", "", func(s Summary) float64 { return s.MedianMgdL }),
		row("quantile_glu.0", "type7", func(s Summary) float64 { return s.MinMgdL }),
		row("quantile_glu.100", "type7", func(s Summary) float64 { return s.MaxMgdL }),
		row("gmi", "", func(s Summary) float64 { return s.GMIPct }),
		row("ea1c", "", func(s Summary) float64 { return s.EA1CPct }),
		row("gri", "", func(s Summary) float64 { return s.Risk.GRI }),
		row("lbgi", "", func(s Summary) float64 { return s.LBGI }),
		row("hbgi", "", func(s Summary) float64 { return s.HBGI }),
		row("below_percent.below_54", "targets=50,54,60,63,70", pct(func(r Ranges) int { return r.VeryLow })),
		row("below_percent.below_70", "targets=50,54,60,63,70", pct(func(r Ranges) int { return r.VeryLow + r.Low })),
		row("above_percent.above_180", "targets=120,140,180,200,250,300", pct(func(r Ranges) int { return r.High + r.VeryHigh })),
		row("above_percent.above_250", "targets=120,140,180,200,250,300", pct(func(r Ranges) int { return r.VeryHigh })),
		row("in_range_percent.in_range_54_69", "", pct(func(r Ranges) int { return r.Low })),
		row("in_range_percent.in_range_70_140", "", pct(func(r Ranges) int { return r.Tight })),
		row("in_range_percent.in_range_70_180", "", pct(func(r Ranges) int { return r.InRange })),
		row("in_range_percent.in_range_181_250", "", pct(func(r Ranges) int { return r.High })),
		row("active_percent.active_percent", "default", func(s Summary) float64 { return s.ActiveSpanPct }),
	}
}

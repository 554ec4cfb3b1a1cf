package metrics

import (
	"fmt"
	"math"
)

// valueParity claims the metrics of values, from counts by value where iglu
// reads one series.
func valueParity() []parityRow {
	rules := IGLUValues()
	distribution := once(func(s series) Distribution { return DistributionOf(s.readings) })
	row := func(metric, params string, of func(Distribution) float64) parityRow {
		return parityRow{metric, params, 1e-12, func(s series) float64 { return of(distribution(s)) }}
	}
	grade := rules
	grade.GradeEuLow, grade.GradeHyper = 70.2, 140.4
	rows := []parityRow{
		row("range_glu", "", func(d Distribution) float64 { return d.Max() - d.Min() }),
		row("iqr_glu", "", Distribution.IQR),
		row("mad_glu", "c=1.4826", func(d Distribution) float64 { return d.MAD(MADScale) }),
		row("mad_glu", "c=1", func(d Distribution) float64 { return d.MAD(1) }),
		row("j_index", "", Distribution.JIndex),
		row("grade", "", func(d Distribution) float64 { return d.Grade(rules).Mean }),
		row("grade_eugly", "70-140", func(d Distribution) float64 { return d.Grade(rules).EuPct }),
		row("grade_hyper", "140", func(d Distribution) float64 { return d.Grade(rules).HyperPct }),
		row("grade_hypo", "80", func(d Distribution) float64 { return d.Grade(rules).HypoPct }),
		row("grade_eugly", "70.2-140.4", func(d Distribution) float64 { return d.Grade(grade).EuPct }),
		row("grade_hyper", "140.4", func(d Distribution) float64 { return d.Grade(grade).HyperPct }),
		row("hypo_index", "80,b2,d30", func(d Distribution) float64 { return d.HypoIndex(80) }),
		row("hypo_index", "70,b2,d30", func(d Distribution) float64 { return d.HypoIndex(70) }),
		row("hyper_index", "140,a1.1,c30", func(d Distribution) float64 { return d.HyperIndex(140) }),
		row("hyper_index", "180,a1.1,c30", func(d Distribution) float64 { return d.HyperIndex(180) }),
		row("igc", "default", func(d Distribution) float64 { return d.IGC(80, 140) }),
		row("igc", "70-180", func(d Distribution) float64 { return d.IGC(70, 180) }),
		row("cogi", "", func(d Distribution) float64 { return d.COGI(rules.COGI()) }),
		row("cogi", "targets=70,140;w=.3,.6,.1", func(d Distribution) float64 { return d.COGI(COGIRule{70, 140, 0.3, 0.6, 0.1, 18}) }),
		row("in_range_percent.in_range_63_140", "", func(d Distribution) float64 { return d.Pct(d.Within(63, 140)) }),
		row("in_range_percent.in_range_70_250", "", func(d Distribution) float64 { return d.Pct(d.Within(70, 250)) }),
		{"adrr", "", 1e-12, func(s series) float64 { return ADRR(daysOf(s), rules.RiskScale) }},
		{"active_percent.active_percent", "dt0=5", 1e-12, func(s series) float64 { return ActiveSpan(Keeping(s.readings, 5), nil) }},
	}
	for params, below := range map[string]float64{"70": 70, "70.2(3.9mmol)": 70.2} {
		grade := rules
		grade.GradeHypo = below
		rows = append(rows, row("grade_hypo", params, func(d Distribution) float64 { return d.Grade(grade).HypoPct }))
	}
	for _, r := range []float64{80, 90, 100, 120} {
		rows = append(rows, row("m_value", fmt.Sprintf("r=%v", r), func(d Distribution) float64 { return d.MValue(r) }))
	}
	for _, p := range []float64{1, 5, 10, 25, 50, 75, 90, 95, 99} {
		rows = append(rows, row(fmt.Sprintf("quantile_glu.%v", p), "type7", func(d Distribution) float64 { return d.Quantile(p / 100) }))
	}
	for _, x := range []float64{50, 60, 63} {
		rows = append(rows, row(fmt.Sprintf("below_percent.below_%v", x), "targets=50,54,60,63,70", func(d Distribution) float64 { return d.Pct(d.Below(x)) }))
	}
	for _, x := range []float64{120, 140, 200, 300} {
		rows = append(rows, row(fmt.Sprintf("above_percent.above_%v", x), "targets=120,140,180,200,250,300", func(d Distribution) float64 { return d.Pct(d.Above(x)) }))
	}
	for name, p := range map[string]float64{"Min.": 0, "1st Qu.": 0.25, "Median": 0.5, "3rd Qu.": 0.75, "Max.": 1} {
		rows = append(rows, row("summary_glu."+name, "", func(d Distribution) float64 { return d.Quantile(p) }))
	}
	return append(rows, row("summary_glu.Mean", "", Distribution.Mean))
}

// daysOf are the distributions of local days.
func daysOf(s series) []Distribution {
	var result []Distribution
	for _, day := range LocalDays(s.readings) {
		result = append(result, DistributionOf(day.Readings))
	}
	return result
}

// zeroOfNone is iglu's 0 where there is nothing.
func zeroOfNone(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

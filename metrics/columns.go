package metrics

import (
	"fmt"
	"iter"
	"math"
)

// A namedValue is a metric under the name of its column.
type namedValue struct {
	name  string
	value float64
}

// inTurn yields columns in their order.
func inTurn(columns []namedValue) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, c := range columns {
			if !yield(c.name, c.value) {
				return
			}
		}
	}
}

// Columns yields every metric of values under the name of its column, always in
// the same order.
func (v *Values) Columns() iter.Seq2[string, float64] {
	columns := v.columns()
	for i, r := range FurtherRanges() {
		columns = append(columns, namedValue{r.Name + "_pct", 100 * float64(v.Further[i]) / float64(v.N)})
	}
	for i, p := range ProfilePercentiles() {
		if p == 50 { // the median
			continue
		}
		columns = append(columns, namedValue{fmt.Sprintf("q%02.0f_mgdl", p), v.PercentilesMgdL[i]})
	}
	return inTurn(columns)
}

func (v *Values) columns() []namedValue {
	r := v.Ranges
	return []namedValue{
		{"n_values", float64(v.N)},
		{"mean_mgdl", v.MeanMgdL}, {"sd_mgdl", v.SDMgdL}, {"cv_pct", v.CVPct},
		{"min_mgdl", v.MinMgdL}, {"median_mgdl", v.MedianMgdL}, {"max_mgdl", v.MaxMgdL},
		{"iqr_mgdl", v.IQRMgdL}, {"mad_mgdl", v.MADMgdL},
		{"gmi_pct", v.GMIPct}, {"ea1c_pct", v.EA1CPct}, {"j_index", v.JIndex},
		{"tir_pct", r.Pct(r.InRange)}, {"titr_pct", r.Pct(r.Tight)},
		{"very_low_pct", r.Pct(r.VeryLow)}, {"low_pct", r.Pct(r.Low)}, {"in_range_pct", r.Pct(r.InRange)},
		{"high_pct", r.Pct(r.High)}, {"very_high_pct", r.Pct(r.VeryHigh)},
		{"gri", v.Risk.GRI}, {"gri_hypo", v.Risk.Hypo}, {"gri_hyper", v.Risk.Hyper},
		{"lbgi", v.LBGI}, {"hbgi", v.HBGI}, {"bgri", v.BGRI},
		{"grade", v.Grade.Mean}, {"grade_hypo_pct", v.Grade.HypoPct}, {"grade_eu_pct", v.Grade.EuPct}, {"grade_hyper_pct", v.Grade.HyperPct},
		{"hypo_index", v.HypoIndex}, {"hyper_index", v.HyperIndex}, {"igc", v.IGC},
		{"m_value_r90", v.MValue}, {"cogi", v.COGI},
		{"n_low_sentinel", float64(v.LowSentinels)}, {"n_high_sentinel", float64(v.HighSentinels)}, {"censored_pct", v.CensoredPct},
	}
}

// MinuteColumns yields the minutes in the further ranges, of the minutes that
// each value stands for; NaN of no values.
func MinuteColumns(minutes Distribution) iter.Seq2[string, float64] {
	var columns []namedValue
	for _, r := range FurtherRanges() {
		n := math.NaN()
		if minutes.N() > 0 {
			n = float64(minutes.In(r))
		}
		columns = append(columns, namedValue{r.Name + "_min", n})
	}
	return inTurn(columns)
}

// RateColumns yields the episodes a week of each kind that the rules know, and
// the days that they rest on.
func (r EpisodeRules) RateColumns(episodes []Episode, exposureDays float64) iter.Seq2[string, float64] {
	columns := []namedValue{{"episode_days", exposureDays}}
	for _, rule := range r.Rules {
		kind := string(rule.Kind)
		columns = append(columns, namedValue{kind + "_per_week", RateOf(episodes, exposureDays, Of(rule.Kind)).PerWeek})
		if rule.Kind == Hypo1 || rule.Kind == Hyper1 {
			columns = append(columns, namedValue{kind + "_only_per_week", RateOf(episodes, exposureDays, OnlyLevel1(rule.Kind)).PerWeek})
		}
	}
	return inTurn(columns)
}

// Columns yields what there is of meals. Without entries it is not known whether
// somebody ate: all is NaN, the number of meals too.
func (m MealMeans) Columns() iter.Seq2[string, float64] {
	meals, usable := float64(m.Meals), float64(m.Usable)
	if m.Meals == 0 {
		meals, usable = math.NaN(), math.NaN()
	}
	return inTurn([]namedValue{
		{"meals", meals}, {"meals_usable", usable},
		{"meal_baseline_mgdl", m.BaseMgdL}, {"meal_peak_mgdl", m.PeakMgdL}, {"meal_delta_mgdl", m.DeltaMgdL},
		{"meal_peak_min", m.PeakMin}, {"meal_recovery_pct", m.RecoveryPct}, {"meal_carbs_g", m.Grams},
	})
}

// Columns yields both agreements and what is in neither.
func (p MeterPairs) Columns() iter.Seq2[string, float64] {
	const family = "meter_agreement_"
	columns := append(AgreementOf(p.Calibrations).columns(family+"calibrations_"), AgreementOf(p.Events).columns(family+"events_")...)
	return inTurn(append(columns,
		namedValue{family + "calibrated", float64(p.Calibrated)}, namedValue{family + "unpaired", float64(p.Unpaired)}))
}

func (a Agreement) columns(prefix string) []namedValue {
	return []namedValue{
		{prefix + "n", float64(a.N)}, {prefix + "mard_pct", a.MARDPct}, {prefix + "bias_mgdl", a.BiasMgdL}, {prefix + "bias_pct", a.BiasPct},
		{prefix + "rmse_mgdl", a.RMSEMgdL}, {prefix + "15_pct", a.Within15Pct}, {prefix + "20_pct", a.Within20Pct}, {prefix + "40_pct", a.Within40Pct},
	}
}

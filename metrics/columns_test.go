package metrics

import (
	"maps"
	"math"
	"testing"
)

// No name comes twice, nor is one of another family.
func TestColumnNames(t *testing.T) {
	values := Distribute([]float64{39, 60, 100, 200, 401}).Values(DexetlValues().Scores())
	var variability Variability
	seen := map[string]bool{}
	for _, family := range []func(func(string, float64) bool){
		values.Columns(), MinuteColumns(Distribution{}), variability.Columns(), MeansOf(nil).Columns(), MeterPairs{}.Columns(), Consensus2023().RateColumns(nil, 7),
	} {
		for name := range family {
			if seen[name] {
				t.Errorf("%s comes twice", name)
			}
			seen[name] = true
		}
	}
	for _, name := range []string{"iqr_mgdl", "mad_mgdl", "j_index", "grade", "cogi", "bgri", "tbr63_pct", "tar140_pct", "q05_mgdl", "hypo1_per_week", "tar350_min", "tbr70_pct", "tar250_pct",
		"meals", "meal_delta_mgdl", "meter_agreement_events_mard_pct", "meter_agreement_calibrations_n"} {
		if !seen[name] {
			t.Errorf("no column %s", name)
		}
	}
}

func TestColumns(t *testing.T) {
	v := Distribute([]float64{39, 60, 100, 200, 401}).Values(DexetlValues().Scores())
	columns := maps.Collect(v.Columns())
	for name, want := range map[string]float64{
		"n_values": 5, "mean_mgdl": 160, "tbr70_pct": 40, "tbr50_pct": 20, "tar180_pct": 40, "tir_pct": 20, "low_pct": 20, "median_mgdl": 100,
		"q05_mgdl": 39 + 0.2*21, "q95_mgdl": 200 + 0.8*201, "censored_pct": 40, "n_low_sentinel": 1,
	} {
		if got := columns[name]; !near(got, want, 1e-12) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	// Two readings of 5 minutes and one of 15.
	var minutes Counts
	minutes.Add(60, 5)
	minutes.Add(100, 5)
	minutes.Add(301, 15)
	got := maps.Collect(MinuteColumns(minutes.Distribution()))
	for name, want := range map[string]float64{"tbr63_min": 5, "tir63_140_min": 5, "tar300_min": 15, "tar350_min": 0} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if none := maps.Collect(MinuteColumns(Distribution{})); !math.IsNaN(none["tbr63_min"]) {
		t.Errorf("minutes of no values: got %v, want NaN", none["tbr63_min"])
	}
}

// No entries are not none eaten; entries that tell nothing are entries.
func TestMealColumns(t *testing.T) {
	for name, value := range MeansOf(nil).Columns() {
		if !math.IsNaN(value) {
			t.Errorf("%s without entries: got %v, want NaN", name, value)
		}
	}
	got := maps.Collect(MeansOf([]Response{{Unusable: FewReadings}}).Columns())
	if got["meals"] != 1 || got["meals_usable"] != 0 || !math.IsNaN(got["meal_delta_mgdl"]) {
		t.Errorf("a meal that tells nothing: got %v, want meals 1, usable 0, NaN", got)
	}
}

func TestRateColumns(t *testing.T) {
	readings := spells(spell{3, 100}, spell{4, 60}, spell{6, 100}, spell{4, 50}, spell{271, 100}) // a day
	for _, rules := range []EpisodeRules{Consensus2023(), Danne2017()} {
		episodes, days := Episodes(readings, rules, DefaultNight())
		got := maps.Collect(rules.RateColumns(episodes, days))
		for name, want := range map[string]float64{"episode_days": 1, "hypo1_per_week": 14, "hypo1_only_per_week": 7, "hypo2_per_week": 7, "hyper1_per_week": 0} {
			if !near(got[name], want, 1e-12) {
				t.Errorf("%s, %s: got %v, want %v", rules.Preset, name, got[name], want)
			}
		}
	}
	if _, known := maps.Collect(Danne2017().RateColumns(nil, 1))["hyper_extended_per_week"]; known {
		t.Error("danne2017 has a rate of what it does not know")
	}
}

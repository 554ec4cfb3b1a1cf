package metrics

import (
	"math"
	"slices"
	"testing"
	"time"
)

// minute is an instant after start.
func minute(m int) time.Time { return start.Add(time.Duration(m) * time.Minute) }

// A meal at 60 min: an hour of 100, up to 190 at 105 min, and an hour later 145.
func TestResponse(t *testing.T) {
	readings := spells(spell{12, 100}, spell{9, 150}, spell{1, 190}, spell{11, 150}, spell{1, 145}, spell{14, 120})
	got := Responses(readings, []Meal{{minute(60), 40}})
	if len(got) != 1 {
		t.Fatalf("got %d responses, want 1", len(got))
	}
	r := got[0]
	if r.Unusable != "" || r.BaseMgdL != 100 || r.PeakMgdL != 190 || r.DeltaMgdL != 90 || r.PeakMin != 45 || r.RecoveryPct != 50 {
		t.Errorf("got %+v, want 100 to 190 in 45 min, (190-145)/90 = 50 %% back", r)
	}
	means := MeansOf(got)
	if means.Meals != 1 || means.Usable != 1 || means.DeltaMgdL != 90 || means.Grams != 40 {
		t.Errorf("MeansOf: got %+v", means)
	}
}

func TestUnusableMeals(t *testing.T) {
	whole := spells(spell{12 + 36 + 24, 100})
	// 144 of 180 minutes are 80 percent: 29 slots of 5 minutes are 145, 28 are 140.
	cut := func(slots int) []Reading { return spells(spell{12, 100}, spell{slots, 100}) }
	tests := []struct {
		name     string
		readings []Reading
		meals    []Meal
		want     []string
	}{
		{"no entries", whole, nil, nil},
		{"one", whole, []Meal{{minute(60), 10}}, []string{""}},
		{"80 percent of three hours", cut(29), []Meal{{minute(60), 10}}, []string{""}},
		{"exactly 80 percent", Keeping(every(time.Minute, slices.Repeat([]float64{100}, 60+144)...), 1), []Meal{{minute(60), 10}}, []string{""}},
		{"a minute less", Keeping(every(time.Minute, slices.Repeat([]float64{100}, 60+143)...), 1), []Meal{{minute(60), 10}}, []string{FewReadings}},
		{"less", cut(28), []Meal{{minute(60), 10}}, []string{FewReadings}},
		{"none", nil, []Meal{{minute(60), 10}}, []string{FewReadings}},
		{"no hour before", whole, []Meal{{minute(0), 10}}, []string{NoBaseline}},
		{"15 min apart are one", whole, []Meal{{minute(75), 10}, {minute(60), 10}}, []string{""}},
		{"16 min apart are two", whole, []Meal{{minute(60), 10}, {minute(76), 10}}, []string{SecondMeal, SecondMeal}},
		{"two hours apart", whole, []Meal{{minute(60), 10}, {minute(180), 10}}, []string{SecondMeal, ""}},
		{"three hours apart", spells(spell{100, 100}), []Meal{{minute(60), 10}, {minute(240), 10}}, []string{"", ""}},
	}
	for _, test := range tests {
		var got []string
		for _, r := range Responses(test.readings, test.meals) {
			got = append(got, r.Unusable)
			if (r.Unusable == "") == math.IsNaN(r.DeltaMgdL) {
				t.Errorf("%s: got %+v, want a rise if it is usable", test.name, r)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// Entries of one meal add up; nothing that does not rise recovers.
func TestMealTogether(t *testing.T) {
	got := Responses(spells(spell{72, 100}), []Meal{{minute(70), 5}, {minute(60), 30}, {minute(80), 7}})
	if len(got) != 1 || got[0].Meal.Grams != 42 || got[0].Entries != 3 || !got[0].Meal.Time.Equal(minute(60)) {
		t.Errorf("got %+v, want one meal of 42 g at 60 min", got)
	}
	if got[0].DeltaMgdL != 0 || !math.IsNaN(got[0].RecoveryPct) {
		t.Errorf("got %+v, want a rise of 0 without recovery", got[0])
	}
	if means := MeansOf(nil); means.Meals != 0 || !math.IsNaN(means.DeltaMgdL) {
		t.Errorf("MeansOf(nil): got %+v, want NaN", means)
	}
}

func TestPairMeter(t *testing.T) {
	readings := spells(spell{3, 100}, spell{6, 0}, spell{6, 120}) // 0 5 10 min, then 45 to 70
	event := func(m int, glucose float64) MeterValue { return MeterValue{minute(m), glucose, false} }
	calibration := func(m int, glucose float64) MeterValue { return MeterValue{minute(m), glucose, true} }
	tests := []struct {
		name                                       string
		meters                                     []MeterValue
		calibrations, events, calibrated, unpaired int
	}{
		{"none", nil, 0, 0, 0, 0},
		{"at the same instant", []MeterValue{event(10, 90)}, 0, 1, 0, 0},
		{"5 min after", []MeterValue{event(15, 90)}, 0, 1, 0, 0},
		{"6 min after", []MeterValue{event(16, 90)}, 0, 0, 0, 1},
		{"before the first", []MeterValue{event(-1, 90)}, 0, 0, 0, 1},
		{"calibrations take the reading before", []MeterValue{calibration(50, 90), calibration(45, 90)}, 1, 0, 0, 1},
		{"one that calibrated", []MeterValue{event(52, 90), calibration(57, 90)}, 1, 0, 1, 0},
		{"one that did not", []MeterValue{event(51, 90), calibration(57, 90)}, 1, 1, 0, 0},
		{"no glucose", []MeterValue{event(50, 0)}, 0, 0, 0, 1},
	}
	for _, test := range tests {
		got := PairMeter(readings, test.meters)
		if len(got.Calibrations) != test.calibrations || len(got.Events) != test.events || got.Calibrated != test.calibrated || got.Unpaired != test.unpaired {
			t.Errorf("%s: got %+v, want %d calibrations, %d events, %d that calibrated, %d unpaired",
				test.name, got, test.calibrations, test.events, test.calibrated, test.unpaired)
		}
	}
	for m, want := range map[int]int{52: 50, 54: 50, 55: 55} {
		if pair := PairMeter(readings, []MeterValue{event(m, 90)}).Events[0]; !pair.Sensor.Time.Equal(minute(want)) {
			t.Errorf("an event at %d min: got the reading of %s, want that of %d min", m, pair.Sensor.Time, want)
		}
		if pair := PairMeter(readings, []MeterValue{calibration(55, 90)}).Calibrations[0]; !pair.Sensor.Time.Equal(minute(50)) {
			t.Errorf("a calibration at 55 min: got the reading of %s, want that of 50 min", pair.Sensor.Time)
		}
	}
}

// 80 is 20 below 100, and 20 percent; 75 is 15 above 60; 250 is 25 percent above
// 200.
func TestAgreement(t *testing.T) {
	pair := func(sensor, meter float64) MeterPair {
		return MeterPair{MeterValue{MgdL: meter}, Reading{GlucoseMgdL: sensor}}
	}
	got := AgreementOf([]MeterPair{pair(80, 100), pair(75, 60), pair(250, 200), pair(100, 100)})
	want := Agreement{
		N: 4, MARDPct: (20 + 25 + 25 + 0) / 4.0, BiasMgdL: (-20 + 15 + 50 + 0) / 4.0, BiasPct: (-20 + 25 + 25 + 0) / 4.0,
		RMSEMgdL: math.Sqrt((400 + 225 + 2500) / 4.0), Within15Pct: 50, Within20Pct: 75, Within40Pct: 100,
	}
	if got.N != want.N || !near(got.MARDPct, want.MARDPct, 1e-12) || !near(got.BiasMgdL, want.BiasMgdL, 1e-12) || !near(got.BiasPct, want.BiasPct, 1e-12) ||
		!near(got.RMSEMgdL, want.RMSEMgdL, 1e-12) || got.Within15Pct != want.Within15Pct || got.Within20Pct != want.Within20Pct || got.Within40Pct != want.Within40Pct {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if none := AgreementOf(nil); none.N != 0 || !math.IsNaN(none.MARDPct) || !math.IsNaN(none.Within15Pct) {
		t.Errorf("of no pairs: got %+v, want NaN", none)
	}
}

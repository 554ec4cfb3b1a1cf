package metrics

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A bound belongs to the class nearer to zero.
func TestRateClasses(t *testing.T) {
	for rate, want := range map[float64]int{
		-3.1: 0, -3: 1, -2.1: 1, -2: 2, -1.1: 2, -1: 3, 0: 3, 1: 3, 1.1: 4, 2: 4, 2.1: 5, 3: 5, 3.1: 6,
	} {
		if got := rateClass(rate); got != want {
			t.Errorf("rateClass(%v): got %d, want %d", rate, got, want)
		}
	}
}

func TestRateOfChangeByHand(t *testing.T) {
	// Over 15 minutes: 60, 60, 45, -30, -75 mg/dL.
	r := variabilityOf(every(5*time.Minute, 100, 100, 115, 160, 160, 160, 130, 85)).Rate
	if r.N != 5 || r.ClassPct != [RateClasses]float64{20, 0, 20, 0, 0, 20, 40} {
		t.Errorf("rates: got %+v", r)
	}
	checkNear(t, "mean", r.MeanMgdLPerMin, (60+60+45-30-75)/15.0/5)
	checkNear(t, "mean of absolute rates", r.MeanAbsMgdLPerMin, (60+60+45+30+75)/15.0/5)
	checkNear(t, "SD", r.SDMgdLPerMin, SD([]float64{4, 4, 3, -2, -5}))
	checkNear(t, "min", r.MinMgdLPerMin, -5)
	checkNear(t, "max", r.MaxMgdLPerMin, 4)
}

func TestExcursionsByHand(t *testing.T) {
	tests := []struct {
		name    string
		glucose []float64 // 0: without a value
		swings  float64
	}{
		{"75 is none", []float64{100, 175, 100}, 0},
		{"up", []float64{100, 176}, 1},
		{"up and down", []float64{100, 176, 100}, 2},
		{"in steps", []float64{100, 130, 160, 190, 160, 130, 100}, 2},
		{"small turns do not end it", []float64{100, 150, 130, 180, 160, 200}, 1},
		{"from a peak in the middle", []float64{120, 150, 74, 100}, 1},
		{"not across a gap", slices.Concat([]float64{100, 100}, make([]float64, 9), []float64{300, 300}), 0},
	}
	for _, test := range tests {
		readings := every(5*time.Minute, test.glucose...)
		points := 0
		for i := range readings {
			if readings[i].HasValue = test.glucose[i] > 0; readings[i].HasValue {
				points++
			}
		}
		checkNear(t, test.name, variabilityOf(readings).ExcursionsPerDay*float64(points*5)/1440, test.swings)
	}
}

// 100 and 110 by turns: 6 of each in an hour, 144 in a day.
func TestSDsByHand(t *testing.T) {
	glucose := make([]float64, 2*288)
	for i := range glucose {
		glucose[i] = 100 + 10*float64(i%2) + 20*float64(i/288) // the second day is 20 higher
	}
	checkNear(t, "SDwsh of a day", variabilityOf(every(5*time.Minute, glucose[:288]...)).SDwshMgdL, 5*math.Sqrt(12/11.0))
	v := variabilityOf(every(5*time.Minute, glucose...))
	sd := 5 * math.Sqrt(288/287.0)
	checkNear(t, "SDw", v.Daily.SDwMgdL, sd)
	checkNear(t, "CVmean", v.Daily.CVMeanPct, (100*sd/105+100*sd/125)/2)
	checkNear(t, "CVsd", v.Daily.CVSDPct, (100*sd/105-100*sd/125)/math.Sqrt2)
	checkNear(t, "SDdm", v.Daily.SDdmMgdL, 20/math.Sqrt2)
	checkNear(t, "SDhhmm", v.Daily.SDhhmmMgdL, sd) // of 110 and 120
	checkNear(t, "SDb", v.Daily.SDbMgdL, 20/math.Sqrt2)
	checkNear(t, "SDbdm", v.Daily.SDbdmMgdL, 0)
	checkNear(t, "MODD", v.MODDMgdL, 20)
	checkNear(t, "CONGA24", v.CONGAMgdL[4], 0)
}

// What is computed depends on the readings alone: not on their order, nor on
// what the grids were laid through before.
func TestVariabilityDependsOnReadingsAlone(t *testing.T) {
	var used Grids
	rapid.Check(t, func(t *rapid.T) {
		readings := drawReadings(t)
		rules := rapid.SampledFrom([]GridRules{DexetlGrid(), IGLUGrid()}).Draw(t, "rules")
		var fresh Grids
		fresh.Lay(readings, rules)
		used.Lay(rapid.Permutation(readings).Draw(t, "order"), rules)
		want, got := fresh.Variability(), used.Variability()
		if got.Points != want.Points || got.Missing != want.Missing || got.StepMin != want.StepMin {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		columns := want.columns()
		for i, c := range got.columns() {
			if w := columns[i]; c.name != w.name || !near(c.value, w.value, 0) {
				t.Fatalf("%s: got %v, want %v", c.name, c.value, w.value)
			}
		}
	})
}

// No name comes twice.
func TestVariabilityColumns(t *testing.T) {
	v := variabilityOf(fourteenDays(0))
	seen := map[string]bool{}
	for name, value := range v.Columns() {
		if seen[name] || math.IsNaN(value) {
			t.Errorf("%s: got %v, again %v, want a number once", name, value, seen[name])
		}
		seen[name] = true
	}
}

// On the grid of dexetl-1 the cells are the readings that lie on it, whatever
// their days; by iglu the first midnight is lost.
func TestGridCells(t *testing.T) {
	var readings []Reading
	for _, day := range []int{0, 1, 5, 800} {
		for _, minute := range []int{0, 60, 1435} {
			at := start.AddDate(0, 0, day).Add(time.Duration(minute) * time.Minute)
			readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: float64(100 + len(readings)), HasValue: true})
		}
	}
	for lost, rules := range []GridRules{DexetlGrid(), {StepMin: 5, IGLU: true}} {
		var g Grids
		g.Lay(readings, rules)
		want := readings[lost:]
		for at, v := range g.Daily.Cells() {
			if len(want) == 0 || !at.Equal(want[0].Local) || v != want[0].GlucoseMgdL {
				t.Fatalf("%+v: got %v at %s, want %+v", rules, v, at, want)
			}
			want = want[1:]
		}
		if len(want) > 0 {
			t.Errorf("%+v: got no cell for %+v", rules, want)
		}
	}
}

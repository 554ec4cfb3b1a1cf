package dexsim

import (
	"math"
	"sort"
	"testing"
	"time"
)

var dataEnd = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// fixed is a cohort of n people with days of data, all of it long visible.
func fixed(n, days int) Config {
	return Config{Seed: 7, Participants: n, Days: days, End: dataEnd, Now: func() time.Time { return dataEnd.AddDate(0, 3, 0) }}
}

// A glycaemia is what papers report of one person.
type glycaemia struct{ n, tir, tbr, cv, mean, lows, highs float64 }

// glycaemiaOf is about what the main device sent of a person.
func glycaemiaOf(h *history, main device) glycaemia {
	var g glycaemia
	var sum, squares float64
	for _, e := range h.egvs {
		if e.device != main {
			continue
		}
		v := e.value
		g.n++
		sum += v
		squares += v * v
		switch {
		case v < 70:
			g.tbr++
		case v <= 180:
			g.tir++
		}
		switch v {
		case 39:
			g.lows++
		case 401:
			g.highs++
		}
	}
	g.mean = sum / g.n
	g.cv = 100 * math.Sqrt(squares/g.n-g.mean*g.mean) / g.mean
	g.tir *= 100 / g.n
	g.tbr *= 100 / g.n
	return g
}

// A cohort has people of all sorts, none of them impossible.
func TestPeople(t *testing.T) {
	d := newDesk(t, fixed(20, 30))
	var all []glycaemia
	for _, p := range d.people[:19] { // the last one has no data
		g := glycaemiaOf(d.histories.of(p, d.cfg.Chaos), p.main())
		all = append(all, g)
		if g.tir < 30 || g.tir > 98 || g.cv < 20 || g.cv > 47 || g.tbr > 10 || g.mean < 95 || g.mean > 240 {
			t.Errorf("%s %s: no such person: %+v", p.name, p.kind.name, g)
		}
	}
	span := func(of func(glycaemia) float64) (low, high float64) {
		low, high = of(all[0]), of(all[0])
		for _, g := range all {
			low, high = min(low, of(g)), max(high, of(g))
		}
		return low, high
	}
	for name, test := range map[string]struct {
		of          func(glycaemia) float64
		most, least float64 // the lowest is at most, the highest at least
	}{
		"time in range":   {func(g glycaemia) float64 { return g.tir }, 45, 88},
		"time below 70":   {func(g glycaemia) float64 { return g.tbr }, 1, 2.5},
		"CV":              {func(g glycaemia) float64 { return g.cv }, 28, 34},
		"values below 40": {func(g glycaemia) float64 { return g.lows }, 0, 3},
		"above 400":       {func(g glycaemia) float64 { return g.highs }, 0, 30},
	} {
		if low, high := span(test.of); low > test.most || high < test.least {
			t.Errorf("%s spans %.1f to %.1f, want at most %.1f to at least %.1f", name, low, high, test.most, test.least)
		}
	}
}

// Glucose goes on from where it was: no value tells its successor, but five
// minutes later it is near, and meals are followed by a rise.
func TestGlucoseIsContinuous(t *testing.T) {
	d := newDesk(t, fixed(1, 30))
	truth, _ := d.TruthOf("P001")
	jumps := 0
	for i, e := range truth.EGVs[1:] {
		before := truth.EGVs[i]
		if e.SystemTime.Sub(before.SystemTime) < 6*time.Minute && e.TransmitterID == before.TransmitterID && math.Abs(*e.Value-*before.Value) > 40 {
			jumps++
		}
	}
	if jumps > 3 {
		t.Errorf("%d jumps of more than 40 mg/dL in five minutes in %d values", jumps, len(truth.EGVs))
	}
	at := func(when time.Time) (float64, bool) {
		i := sort.Search(len(truth.EGVs), func(i int) bool { return !truth.EGVs[i].SystemTime.Before(when) })
		if i == len(truth.EGVs) || truth.EGVs[i].SystemTime.Sub(when) > 6*time.Minute {
			return 0, false
		}
		return *truth.EGVs[i].Value, true
	}
	rise, meals := 0.0, 0.0
	for _, e := range truth.Events {
		before, ok1 := at(e.SystemTime)
		after, ok2 := at(e.SystemTime.Add(time.Hour))
		if e.Type == "carbs" && ok1 && ok2 {
			rise, meals = rise+after-before, meals+1
		}
	}
	if meals < 20 || rise/meals < 15 {
		t.Errorf("an hour after %.0f meals glucose rose by %.0f mg/dL, want at least 15", meals, rise/meals)
	}
}

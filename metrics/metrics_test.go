package metrics

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)

// every returns readings a step apart from start, with local time = UTC.
func every(step time.Duration, glucose ...float64) []Reading {
	var readings []Reading
	for i, g := range glucose {
		at := start.Add(time.Duration(i) * step)
		readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: g, HasValue: true})
	}
	return readings
}

func TestCentral(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name                 string
		values               []float64
		mean, sd, median, p5 float64
	}{
		{"nothing", nil, nan, nan, nan, nan},
		{"one", []float64{120}, 120, nan, 120, 120},
		{"constant", []float64{80, 80, 80}, 80, 0, 80, 80},
		{"even, unsorted", []float64{4, 1, 3, 2}, 2.5, math.Sqrt(5.0 / 3), 2.5, 1.15},
		{"odd", []float64{100, 300, 200}, 200, 100, 200, 110},
	}
	for _, test := range tests {
		got := []float64{Mean(test.values), SD(test.values), Quantile(test.values, 0.5), Quantile(test.values, 0.05)}
		want := []float64{test.mean, test.sd, test.median, test.p5}
		for i := range got {
			if !near(got[i], want[i], 1e-12) {
				t.Errorf("%s: mean, sd, median, p5: got %v, want %v", test.name, got, want)
				break
			}
		}
	}
}

// The table that Bergenstal 2018 publishes.
func TestGMI(t *testing.T) {
	for mean, want := range map[float64]float64{
		100: 5.7, 125: 6.3, 150: 6.9, 175: 7.5, 200: 8.1, 225: 8.7, 250: 9.3, 275: 9.9, 300: 10.5, 350: 11.7,
	} {
		if got := math.Round(GMI(mean)*10) / 10; got != want {
			t.Errorf("GMI(%v): got %v, want %v", mean, got, want)
		}
	}
}

// Nathan 2008: 154 mg/dL corresponds to 7 percent.
func TestEA1C(t *testing.T) {
	if got := EA1C(154.2); !near(got, 7, 1e-12) {
		t.Errorf("EA1C(154.2): got %v, want 7", got)
	}
}

func TestCountRangesBorders(t *testing.T) {
	got := CountRanges([]float64{39, 53, 54, 69, 69.99, 70, 140, 141, 180, 180.5, 181, 250, 251, 401})
	want := Ranges{VeryLow: 2, Low: 3, InRange: 4, High: 3, VeryHigh: 2, Tight: 2}
	if got != want {
		t.Errorf("CountRanges: got %+v, want %+v", got, want)
	}
}

func TestGRI(t *testing.T) {
	tests := []struct {
		ranges Ranges
		gri    float64
		zone   string
	}{
		{Ranges{InRange: 10}, 0, "A"},
		{Ranges{InRange: 75, High: 25}, 20, "A"},
		{Ranges{InRange: 749, High: 251}, 20.08, "B"},
		{Ranges{InRange: 75, VeryHigh: 25}, 40, "B"},
		{Ranges{InRange: 75, Low: 25}, 60, "C"},
		{Ranges{InRange: 50, VeryHigh: 50}, 80, "D"},
		{Ranges{InRange: 73, VeryLow: 27}, 81, "E"},
		{Ranges{VeryLow: 1}, 100, "E"},
		{Ranges{}, math.NaN(), ""},
	}
	for _, test := range tests {
		got := test.ranges.GRI()
		if !near(got.GRI, test.gri, 1e-12) || got.Zone() != test.zone {
			t.Errorf("%+v.GRI(): got %v %q, want %v %q", test.ranges, got.GRI, got.Zone(), test.gri, test.zone)
		}
	}
}

// The risk function is symmetric: 39.9… and 400 carry nearly the same risk,
// 112.5 none (Kovatchev 1997).
func TestBloodGlucoseIndices(t *testing.T) {
	for _, g := range []float64{112, 113} {
		low, high := BloodGlucoseIndices([]float64{g}, RiskScale)
		if low+high > 1e-3 || (low > 0) != (g < 112.5) {
			t.Errorf("BloodGlucoseIndices(%v): got %v, %v, want nearly no risk, on its own side", g, low, high)
		}
	}
	low, _ := BloodGlucoseIndices([]float64{20, 600}, RiskScale)
	_, high := BloodGlucoseIndices([]float64{600, 20}, RiskScale)
	if math.Abs(low-50) > 1 || math.Abs(high-50) > 1 {
		t.Errorf("half a series at 20, half at 600 mg/dL: got %v, %v, want about 50 each", low, high)
	}
	if low, high := BloodGlucoseIndices([]float64{0, -5}, RiskScale); math.IsNaN(low) || high != 0 {
		t.Errorf("values below 1: got %v, %v, want a number and 0", low, high)
	}
}

func TestActive(t *testing.T) {
	full := every(5*time.Minute, slices.Repeat([]float64{100}, 288)...)
	twice := slices.Concat(full, full)
	tests := []struct {
		name         string
		readings     []Reading
		cadence      int
		window, span float64
	}{
		{"nothing", nil, 5, 0, math.NaN()},
		{"one", full[:1], 5, 100.0 / 288, 100},
		{"full", full, 5, 100, 100},
		{"twice", twice, 1, 100, 100.0 * 288 / 1436}, // half the gaps are zero: the cadence is at its floor
		{"half a day missing at the end", full[:144], 5, 50, 100},
		{"half a day missing inside", slices.Concat(full[:72], full[216:]), 5, 50, 50},
		{"no values", []Reading{{Time: start}}, 5, 0, math.NaN()},
		{"excluded", []Reading{{Time: start, HasValue: true, Excluded: true}}, 5, 0, math.NaN()},
	}
	for _, test := range tests {
		cadence := MedianStep(test.readings)
		window, span := ActiveWindow(test.readings, nil, 1440), ActiveSpan(Keeping(test.readings, cadence), nil)
		if cadence != test.cadence || !near(window, test.window, 1e-12) || !near(span, test.span, 1e-12) {
			t.Errorf("%s: cadence, window, span: got %d, %v, %v, want %d, %v, %v",
				test.name, cadence, window, span, test.cadence, test.window, test.span)
		}
	}
}

// Readings of several cadences fill slots of their own width each, and stand for
// their own minutes.
func TestMixedCadences(t *testing.T) {
	at := func(cadence, from, to int) (readings []Reading) {
		for minute := from; minute < to; minute += cadence {
			readings = append(readings, Reading{Time: start.Add(time.Duration(minute) * time.Minute), GlucoseMgdL: 100, HasValue: true, CadenceMin: cadence})
		}
		return readings
	}
	none := Reading{Time: start, CadenceMin: 15}
	tests := []struct {
		name                              string
		readings                          []Reading
		cadence, slots, expected, inRange int
		window, span                      float64
	}{
		{"nothing", nil, 5, 0, 288, 0, 0, math.NaN()},
		{"no value", []Reading{none}, 5, 0, 288, 0, 0, math.NaN()},
		{"15", at(15, 0, 1440), 15, 96, 96, 1440, 100, 100},
		{"15, half", at(15, 0, 720), 15, 48, 96, 720, 50, 100},
		{"1", at(1, 0, 1440), 1, 1440, 1440, 1440, 100, 100},
		{"15, then 5", slices.Concat(at(15, 0, 720), at(5, 720, 1440)), 5, 192, 192, 1440, 100, 100},
		{"5, then 15", slices.Concat(at(5, 0, 720), at(15, 720, 1440)), 5, 192, 192, 1440, 100, 100},
		{"5, then 15 minutes later 15", slices.Concat(at(5, 0, 725), at(15, 735, 1440)), 5, 192, 194, 1430, 100.0 * 1430 / 1440, 100},
		{"as many of each: the shorter", slices.Concat(at(1, 0, 48), at(15, 720, 1440)), 1, 96, 96 + 672, 768, 100.0 * 768 / 1440, 100.0 * (1426 - 658) / 1426},
		{"mostly 15, half a day missing", slices.Concat(at(15, 0, 705), at(5, 705, 720)), 15, 50, 98, 720, 50, 100},
		{"at once", slices.Concat(at(15, 0, 1440), at(5, 3, 1440)), 5, 384, 384, 2880, 100, 100},
		{"5 at once with 1", slices.Concat(at(5, 0, 60), at(1, 0, 60)), 1, 72, 1392, 120, 100.0 * 120 / 1440, 100},
	}
	for _, test := range tests {
		s := Summarize(test.readings, Scope{Minutes: 1440, RiskScale: RiskScale})
		if s.CadenceMin != test.cadence || s.Slots != test.slots || s.ExpectedSlots != test.expected || s.RangeMin.InRange != test.inRange ||
			!near(s.ActiveWindowPct, test.window, 1e-12) || !near(s.ActiveSpanPct, test.span, 1e-12) {
			t.Errorf("%s: cadence, slots, expected, minutes, window, span: got %d, %d, %d, %d, %v, %v, want %d, %d, %d, %d, %v, %v",
				test.name, s.CadenceMin, s.Slots, s.ExpectedSlots, s.RangeMin.InRange, s.ActiveWindowPct, s.ActiveSpanPct,
				test.cadence, test.slots, test.expected, test.inRange, test.window, test.span)
		}
	}
}

func TestMedianStepRoundsToEven(t *testing.T) {
	for seconds, want := range map[int]int{10: 1, 60: 1, 150: 2, 210: 4, 299: 5, 331: 6, 900: 15} {
		if got := MedianStep(every(time.Duration(seconds)*time.Second, 1, 2, 3)); got != want {
			t.Errorf("MedianStep of readings %d s apart: got %d, want %d", seconds, got, want)
		}
	}
}

func TestMinutes(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		zone        string
		first, last time.Time
		want        int
	}{
		{"UTC", day(2025, 3, 1), day(2025, 3, 1), 1440},
		{"America/New_York", day(2024, 3, 10), day(2024, 3, 10), 1380},
		{"America/New_York", day(2024, 11, 3), day(2024, 11, 3), 1500},
		{"America/New_York", day(2024, 3, 1), day(2024, 11, 30), 275 * 1440},
		{"Asia/Kolkata", day(2025, 3, 30), day(2025, 3, 30), 1440},
		{"Australia/Lord_Howe", day(2025, 4, 6), day(2025, 4, 6), 1470}, // half an hour of DST
		{"America/Asuncion", day(2024, 10, 6), day(2024, 10, 6), 1380},  // no midnight
		{"America/Havana", day(2024, 11, 3), day(2024, 11, 3), 1500},    // two midnights
		{"America/Havana", day(2024, 11, 2), day(2024, 11, 2), 1440},
		{"Asia/Beirut", day(2024, 10, 26), day(2024, 10, 26), 1500},
		{"Asia/Beirut", day(2024, 10, 27), day(2024, 10, 27), 1440},
	}
	for _, test := range tests {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := Minutes(test.first, test.last, zone); got != test.want {
			t.Errorf("Minutes(%s, %s, %s): got %d, want %d",
				test.first.Format(time.DateOnly), test.last.Format(time.DateOnly), test.zone, got, test.want)
		}
	}
}

func TestSummarizeCounts(t *testing.T) {
	readings := every(5*time.Minute, 39, 401, 100, 120, 130)
	readings[2].Excluded = true
	readings[3].HasValue = false
	readings[3].ClockSuspect = true
	readings[3].Implausible = true
	readings[4].Local = time.Time{}
	readings[4].Overlap = true
	got := Summarize(readings, Scope{Minutes: 1440, RiskScale: RiskScale})
	if got.Readings != 4 || got.Values != 3 || got.Excluded != 1 || got.LowSentinels != 1 || got.HighSentinels != 1 ||
		got.ClockSuspect != 1 || got.Implausible != 1 || got.Overlap != 1 || got.Days != 1 || !near(got.CensoredPct, 200.0/3, 1e-12) ||
		!got.FirstLocal.Equal(readings[0].Local) || !got.LastLocal.Equal(readings[1].Local) {
		t.Errorf("Summarize: got %+v", got)
	}
}

func TestProfile(t *testing.T) {
	var readings []Reading
	for day := range 5 {
		at := start.AddDate(0, 0, day).Add(8*time.Hour + 29*time.Minute)
		readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: float64(100 + 10*day), HasValue: true})
	}
	readings = append(readings, Reading{Time: start, GlucoseMgdL: 500, HasValue: true}) // no local time
	for _, test := range []struct{ width, start int }{{5, 505}, {15, 495}, {30, 480}, {60, 480}} {
		got := Profile(readings, test.width)
		want := []float64{102, 104, 110, 120, 130, 136, 138}
		if len(got) != 1 || got[0].StartMin != test.start || got[0].Days != 5 || got[0].Values != 5 ||
			!slices.EqualFunc(got[0].Percentiles, want, func(a, b float64) bool { return near(a, b, 1e-12) }) {
			t.Errorf("Profile(%d): got %+v, want one bin from %d, 5 days, %v", test.width, got, test.start, want)
		}
	}
}

func TestGrid(t *testing.T) {
	nan := math.NaN()
	at := func(minutes int, glucose float64) Reading {
		local := start.Add(time.Duration(minutes) * time.Minute)
		return Reading{Time: local, Local: local, GlucoseMgdL: glucose, HasValue: true}
	}
	tests := []struct {
		name     string
		readings []Reading
		step     int
		head     []float64 // of the first row
	}{
		{"midnight is lost", []Reading{at(0, 1), at(5, 2), at(10, 3)}, 5, []float64{2, 3, nan}},
		{"between the steps", []Reading{at(2, 100), at(7, 150), at(12, 50)}, 5, []float64{130, 90, nan}},
		{"a gap of 45 min is bridged", []Reading{at(5, 0), at(10, 0), at(55, 90), at(60, 90)}, 5, []float64{0, 0, 10, 20, 30}},
		{"a gap of 46 min is not", []Reading{at(4, 0), at(9, 0), at(55, 90), at(60, 90)}, 5, []float64{0, nan, nan}},
		{"the last of equal times counts", []Reading{at(5, 1), at(5, 9), at(10, 3), at(15, 3), at(20, 3)}, 5, []float64{9, 3}},
		{"7 min become 5", []Reading{at(5, 1), at(12, 8), at(19, 15)}, 5, []float64{1, 6}},
		{"8 min", []Reading{at(8, 8), at(16, 16), at(24, 24)}, 8, []float64{8, 16}},
		{"13 min become 15", []Reading{at(15, 15), at(28, 28), at(41, 41)}, 15, []float64{15, 30}},
		{"35 min become 20", []Reading{at(20, 20), at(55, 55), at(90, 90)}, 20, []float64{20, 40}},
	}
	for _, test := range tests {
		g := igluGrid(test.readings)
		got := g.Row(0)[:len(test.head)]
		if g.StepMin != test.step || !slices.EqualFunc(got, test.head, func(a, b float64) bool { return near(a, b, 1e-12) }) {
			t.Errorf("%s: got step %d, %v, want %d, %v", test.name, g.StepMin, got, test.step, test.head)
		}
	}
	for name, readings := range map[string][]Reading{"one reading": {at(0, 1)}, "hourly": {at(0, 1), at(60, 1)}} {
		if g := igluGrid(readings); g.Days() != 0 || g.Points != 0 || len(g.MgdL) != 0 || !math.IsNaN(g.MODD(1)) || len(g.Profile()) != 0 {
			t.Errorf("grid of %s: got %+v, want an empty one", name, g)
		}
	}
}

func igluGrid(readings []Reading) *Grid {
	var g Grids
	g.Lay(readings, IGLUGrid())
	return g.Daily
}

func drawReadings(t *rapid.T) []Reading {
	n := rapid.IntRange(0, 60).Draw(t, "n")
	at := start
	var readings []Reading
	for range n {
		at = at.Add(time.Duration(rapid.IntRange(1, 4000).Draw(t, "gap")) * time.Second)
		readings = append(readings, Reading{
			Time: at, Local: at.Add(-5 * time.Hour),
			GlucoseMgdL: float64(rapid.IntRange(39, 401).Draw(t, "glucose")),
			HasValue:    rapid.IntRange(0, 9).Draw(t, "value") > 0,
			CadenceMin:  rapid.SampledFrom([]int{0, 1, 5, 15}).Draw(t, "cadence"),
		})
	}
	return readings
}

// A summary depends on the readings, not on their order, and its shares are
// shares.
func TestSummaryProperties(t *testing.T) {
	scope := Scope{Minutes: 1440, RiskScale: RiskScale}
	rapid.Check(t, func(t *rapid.T) {
		readings := drawReadings(t)
		got := Summarize(readings, scope)
		if shuffled := Summarize(rapid.Permutation(readings).Draw(t, "order"), scope); !near(got.SDMgdL, shuffled.SDMgdL, 1e-9) ||
			got.Ranges != shuffled.Ranges || got.Slots != shuffled.Slots || !near(got.ActiveSpanPct, shuffled.ActiveSpanPct, 0) {
			t.Fatalf("order matters: got %+v and %+v", got, shuffled)
		}
		r := got.Ranges
		if r.N() != got.Values || got.Values > got.Readings || got.Slots > got.Values || r.Tight > r.InRange {
			t.Fatalf("counts disagree: %+v", got)
		}
		if got.Values == 0 {
			return
		}
		sum := r.Pct(r.VeryLow) + r.Pct(r.Low) + r.Pct(r.InRange) + r.Pct(r.High) + r.Pct(r.VeryHigh)
		if !near(sum, 100, 1e-9) {
			t.Fatalf("the five classes sum to %v, want 100", sum)
		}
		if got.MinMgdL > got.MedianMgdL || got.MedianMgdL > got.MaxMgdL || got.ActiveWindowPct > 100 || got.ActiveSpanPct > 100+1e-9 && cadenceHolds(readings) {
			t.Fatalf("out of bounds: %+v", got)
		}
	})
}

// cadenceHolds tells whether no two readings are closer than the cadence of
// the property above; else there are more readings than expected.
func cadenceHolds(readings []Reading) bool {
	return !slices.ContainsFunc(gaps(valued(readings)), func(gap float64) bool { return gap < 5 })
}

// On readings that lie on the steps, the grid is the readings.
func TestGridHoldsReadingsOnSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		glucose := rapid.SliceOfN(rapid.Float64Range(39, 401), 3, 400).Draw(t, "glucose")
		flat := igluGrid(every(5*time.Minute, glucose...)).MgdL
		for i, want := range glucose[1:] {
			if got := flat[i]; got != want {
				t.Fatalf("cell %d: got %v, want %v", i, got, want)
			}
		}
		if rest := flat[len(glucose)-1:]; slices.ContainsFunc(rest, func(v float64) bool { return !math.IsNaN(v) }) {
			t.Fatalf("cells after the last reading: got %v, want NaN", rest)
		}
	})
}

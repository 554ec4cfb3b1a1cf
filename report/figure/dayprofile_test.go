package figure

import (
	"strings"
	"testing"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/number"
)

// someBins are six-hour bins: of the third there are too few days, and the last is missing.
func someBins() []metrics.Bin {
	return []metrics.Bin{
		{StartMin: 0, Values: 90, Days: 14, Percentiles: []float64{52, 60, 80, 110, 150, 190, 230}},
		{StartMin: 360, Values: 80, Days: 5, Percentiles: []float64{80, 90, 120, 160, 200, 300, 401}},
		{StartMin: 720, Values: 10, Days: 4, Percentiles: []float64{100, 100, 100, 100, 100, 100, 100}},
	}
}

func TestDayProfile(t *testing.T) {
	f := DayProfile{ID: "day", Bins: someBins(), Width: 360, Unit: number.MgdL}.Figure()
	golden(t, "dayprofile", f)
	if !strings.Contains(f.Note, "fewer than 5 days") {
		t.Errorf("nothing is said of times of too few days: %q", f.Note)
	}
	if got := strings.Join(f.Data.Rows[1], " "); got != "06:00 5 80 80 120 160 200 401" {
		t.Errorf("the second bin is %q", got)
	}
	if got := strings.Join(f.Data.Rows[2], " "); got != "12:00 4 10 – – – – –" {
		t.Errorf("the bin of 4 days is %q", got)
	}
	if n := strings.Count(string(f.SVG), `class="median"`); n != 1 {
		t.Errorf("there are %d medians, want one of the two bins that follow each other", n)
	}
	if n := strings.Count(string(f.SVG), `class="too-few"`); n != 1 {
		t.Errorf("%d times are marked as of too few days, want the afternoon and evening as one", n)
	}
}

// Where a bin is missing between others, the curve is not drawn over it.
func TestDayProfileBreaks(t *testing.T) {
	bins := someBins()
	bins[2].StartMin, bins[2].Days = 1080, 9
	f := DayProfile{ID: "day", Bins: bins, Width: 360, Unit: number.MmolL}.Figure()
	if n := strings.Count(string(f.SVG), `class="median"`); n != 2 {
		t.Errorf("there are %d medians, want 2", n)
	}
	if !strings.Contains(string(f.SVG), ">10.0</text>") {
		t.Error("the axis does not say 10.0 mmol/L")
	}
}

func TestDayProfileOfFewDays(t *testing.T) {
	bins := someBins()[2:]
	f := DayProfile{ID: "day", Bins: bins, Width: 360, Unit: number.MgdL}.Figure()
	if !strings.Contains(string(f.SVG), "No time of day has values on 5 days") || strings.Contains(string(f.SVG), `class="median"`) {
		t.Errorf("of four days it draws %s", f.SVG)
	}
}

package study

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/plan"
)

// A study of ten days, on the eleventh: each hour of it without a record is of
// one kind.
func TestMissing(t *testing.T) {
	const h = time.Hour
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	asked := func(from, to int, records int64) AskedInterval {
		return AskedInterval{plan.Window{Start: day(from), End: day(to)}, records}
	}
	days := func(from, to int) plan.Window { return plan.Window{Start: day(from), End: day(to)} }
	study := []plan.Window{days(1, 11)}
	tests := []struct {
		name string
		Timeline
		want Missing
	}{
		{"nobody asked", Timeline{Study: study, Now: day(5)}, Missing{NeverAsked: 96 * h, Open: 1}},
		{"before the study", Timeline{Study: study, Now: day(1)}, Missing{}},
		{"Dexcom has nothing", Timeline{Study: study, Now: day(5), Ranged: true}, Missing{Empty: 96 * h}},
		{"asked, and there was nothing", Timeline{Study: study, Now: day(5), Asked: []AskedInterval{asked(1, 5, 0)}}, Missing{Empty: 96 * h}},
		{"all asked, silent since day 8", Timeline{Study: study, Now: day(20), Ranged: true, Has: days(2, 8), Newest: day(8), Asked: []AskedInterval{asked(2, 9, 5)}},
			Missing{Empty: 24 * h, NoReading: 144 * h, Pending: 72 * h}},
		{"news at Dexcom", Timeline{Study: study, Now: day(9), Ranged: true, Has: days(1, 8), Newest: day(6), Asked: []AskedInterval{asked(1, 6, 5)}},
			Missing{NoReading: 120 * h, NeverAsked: 48 * h, Pending: 24 * h, Open: 1}},
		{"a hole and an empty window", Timeline{Study: study, Now: day(11), Ranged: true, Has: days(1, 11), Newest: day(10), Asked: []AskedInterval{asked(1, 3, 5), asked(4, 6, 0), asked(7, 11, 5)}},
			Missing{NoReading: 120 * h, NeverAsked: 48 * h, Empty: 48 * h, Pending: 24 * h, Open: 2}},
		{"two accounts", Timeline{Study: []plan.Window{days(1, 3), days(5, 7)}, Now: day(11)}, Missing{NeverAsked: 96 * h, Open: 2}},
		{"windows of 30 days", Timeline{Study: []plan.Window{days(1, 62)}, Now: day(100)}, Missing{NeverAsked: 61 * 24 * h, Open: 3}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.Timeline.Missing(), cmp.AllowUnexported(Missing{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if got := (Missing{NoReading: h}).minus(11); got.NoReading != 5*time.Minute {
		t.Errorf("an hour with 11 readings: %s without, want 5 minutes", got.NoReading)
	}
	if got := (Missing{NoReading: h}).minus(13); got.NoReading != 0 {
		t.Errorf("an hour with 13 readings: %s without, want none", got.NoReading)
	}
}

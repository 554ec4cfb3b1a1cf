package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// days are n days that are alike.
type days struct {
	n, records, slots int
	ahead             int16 // clock_offset_min; 0: null
}

// A dayHeld is a row of coverage_days.
type dayHeld struct {
	id string
	at time.Time
	of days
}

// Status knows the days of a participant by what coverage_days says of them:
// slots count 5 minutes each whatever the cadence, and a wall clock that has
// disagreed with the roster's zone for more than two days is told of.
func TestStatusOfDays(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	tests := []struct {
		name                 string
		days                 []days // up to yesterday
		covered14, covered30 float64
		clock                string // clock_offset_min, from and to
		toDo                 string
	}{
		{"15 minutes", []days{{30, 96, 288, 0}}, 100, 100, "<nil> <nil> <nil>", ""},
		{"15 minutes, half", []days{{23, 96, 288, 0}, {7, 48, 144, 0}}, 75, 88.3, "<nil> <nil> <nil>", ""},
		{"1 minute", []days{{16, 1440, 288, 0}, {14, 720, 144, 0}}, 50, 76.7, "<nil> <nil> <nil>", ""},
		{"5 after 15 minutes", []days{{16, 96, 288, 0}, {14, 288, 288, 0}}, 100, 100, "<nil> <nil> <nil>", ""},
		{"two days", []days{{28, 288, 288, 0}, {2, 288, 288, 120}}, 100, 100, "<nil> <nil> <nil>", ""},
		{"three days", []days{{27, 288, 288, 0}, {3, 288, 288, 120}}, 100, 100, "120 2026-04-12 <nil>",
			"2 h ahead of the roster's zone since 2026-04-12: a journey, or a wrong clock"},
		{"a journey on", []days{{27, 288, 288, 0}, {1, 288, 288, 120}, {2, 288, 288, -330}}, 100, 100, "-330 2026-04-12 <nil>",
			"5 h 30 min behind the roster's zone since 2026-04-12: a journey, or a wrong clock"},
		{"silent days between", []days{{26, 288, 288, 0}, {1, 288, 288, -45}, {1, 0, 0, 0}, {2, 288, 288, -45}}, 92.9, 96.7, "-45 2026-04-11 <nil>",
			"45 min behind the roster's zone since 2026-04-11: a journey, or a wrong clock"},
		{"over", []days{{24, 288, 288, 0}, {5, 288, 288, 60}, {1, 288, 288, 0}}, 100, 100, "60 2026-04-09 2026-04-13", ""},
		{"over, and two days more", []days{{24, 288, 288, 0}, {3, 288, 288, 60}, {1, 288, 288, 0}, {2, 288, 288, 60}}, 100, 100, "60 2026-04-09 2026-04-11", ""},
		{"twice", []days{{20, 288, 288, -60}, {7, 288, 288, 0}, {3, 288, 288, 180}}, 100, 100, "180 2026-04-12 <nil>",
			"3 h ahead of the roster's zone since 2026-04-12: a journey, or a wrong clock"},
		{"AM for PM", []days{{27, 288, 288, 0}, {3, 288, 288, 715}}, 100, 100, "715 2026-04-12 <nil>",
			"11 h 55 min ahead of the roster's zone since 2026-04-12: AM for PM on the device, or a journey"},
		{"PM for AM", []days{{27, 288, 288, 0}, {3, 288, 288, -720}}, 100, 100, "-720 2026-04-12 <nil>",
			"12 h behind the roster's zone since 2026-04-12: AM for PM on the device, or a journey"},
		{"days off", []days{{26, 288, 288, 0}, {4, 288, 288, 3000}}, 100, 100, "3000 2026-04-11 <nil>",
			"2 days 2 h ahead of the roster's zone since 2026-04-11: a wrong clock"},
	}
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: len(tests), Days: 40, End: demoNow}, demoNow)
	y := year{b: t, dir: b.dir, people: len(tests)}
	var all []dayHeld
	for i, test := range tests {
		at := demoNow.Truncate(24 * time.Hour)
		for _, d := range slices.Backward(test.days) {
			for range d.n {
				at = at.AddDate(0, 0, -1)
				all = append(all, dayHeld{fmt.Sprintf("P%03d", i+1), at, d})
			}
		}
	}
	y.heldDays(all)
	var status struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(b.must("status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]map[string]any)
	for _, r := range status.Rows {
		got[r["participant_id"].(string)] = r
	}
	for i, test := range tests {
		p := got[fmt.Sprintf("P%03d", i+1)]
		if p["coverage_14d_pct"] != test.covered14 || p["coverage_30d_pct"] != test.covered30 {
			t.Errorf("%s: covered %v, %v %% of 14, 30 days, want %v, %v", test.name, p["coverage_14d_pct"], p["coverage_30d_pct"], test.covered14, test.covered30)
		}
		if clock := fmt.Sprintf("%v %v %v", p["clock_offset_min"], p["clock_offset_from"], p["clock_offset_to"]); clock != test.clock {
			t.Errorf("%s: clock %q, want %q", test.name, clock, test.clock)
		}
		if toDo, _ := p["to_do"].(string); toDo != test.toDo {
			t.Errorf("%s: to_do %q, want %q", test.name, toDo, test.toDo)
		}
	}
	if text := b.must("status", "P001", "P006"); !strings.Contains(text, "clock_offset_min") || !strings.Contains(text, "2 h ahead of the roster's zone") {
		t.Errorf("status of somebody whose clock is off:\n%s", text)
	}
	if text := b.must("status", "P001"); strings.Contains(text, "clock_offset") {
		t.Errorf("status of nobody whose clock is off:\n%s", text)
	}
	if text := b.must("participants", "list", "--needs"); !strings.Contains(text, "12 h behind the roster's zone") {
		t.Errorf("participants list --needs:\n%s", text)
	}
}

// heldDays writes a lake in which egvs were asked for up to now, and these days came.
func (y *year) heldDays(all []dayHeld) {
	start := demoNow.AddDate(0, 0, -40)
	id := func(i int) string { return fmt.Sprintf("P%03d", i+1) }
	slices.SortFunc(all, func(a, b dayHeld) int { return cmp.Or(cmp.Compare(a.id, b.id), a.at.Compare(b.at)) })
	y.write(func() {
		y.file("participants", "", y.people, 1, func(row int) map[string]any {
			return map[string]any{"participant_id": id(row), "study_start": start}
		})
		resources := []string{"alerts", "calibrations", "dataRange", "egvs", "events"}
		y.file("coverage", "", y.people*len(resources), 1, func(row int) map[string]any {
			return map[string]any{"participant_id": id(row / len(resources)), "resource": resources[row%len(resources)], "records": int64(1),
				"asked_from": start, "asked_to": demoNow, "asked_at": demoNow, "data_from": start, "data_to": start}
		})
		for month := start.AddDate(0, 0, 1-start.Day()); month.Before(demoNow); month = month.AddDate(0, 1, 0) {
			name := month.Format("2006-01")
			in := slices.DeleteFunc(slices.Clone(all), func(d dayHeld) bool { return d.of.records == 0 || d.at.Format("2006-01") != name })
			y.file("coverage_days", name, len(in), 1, func(row int) map[string]any {
				d := in[row]
				values := map[string]any{"participant_id": d.id, "resource": "egvs", "day": d.at, "records": int64(d.of.records), "slots": int64(d.of.slots),
					"first_record": d.at, "last_record": d.at.Add(23 * time.Hour)}
				if d.of.ahead != 0 {
					values["clock_offset_min"] = d.of.ahead
				}
				return values
			})
		}
	})
}

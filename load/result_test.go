package load

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/transform"
)

// What several loads did reads like what one load did.
func TestResultAdd(t *testing.T) {
	total := Result{
		Snapshot: 3, Commits: 2, Applied: 5, Held: 1, Records: 100, Rejected: 2, Bytes: 1000, Conflicts: 1, Took: time.Second, Nameless: 1,
		Tallies:      map[Subject]Tally{{"P1", "egvs"}: {5, 5}, {"P2", "events"}: {7, 0}},
		OtherAccount: map[string]int{"P1": 1},
		Tables:       map[string]Counts{"egvs": {Added: 10, Changed: 1}},
		Warnings:     []transform.Warning{{Field: "batteryLevel", Count: 2}, {Field: "trend", Value: "wobbly", Count: 3}},
	}
	total.Add(Result{
		Snapshot: 4, Commits: 1, Applied: 2, Held: 2, Records: 10, Rejected: 1, Bytes: 50, Conflicts: 2, Took: time.Minute, Nameless: 3,
		Tallies:      map[Subject]Tally{{"P1", "egvs"}: {5, 4}, {"P3", "alerts"}: {2, 2}},
		OtherAccount: map[string]int{"P1": 2, "P2": 4},
		Tables:       map[string]Counts{"egvs": {Added: 1, Restored: 2, Vanished: 3, Withheld: 4}, "glucose": {Removed: 5}},
		Warnings:     []transform.Warning{{Field: "status", Value: "odd", Count: 1}, {Field: "trend", Value: "shaky", Count: 1}, {Field: "trend", Value: "wobbly", Count: 4}},
	})
	want := Result{
		Snapshot: 4, Commits: 3, Applied: 7, Held: 3, Records: 110, Rejected: 3, Bytes: 1050, Conflicts: 3, Took: 61 * time.Second, Nameless: 4,
		Tallies:      map[Subject]Tally{{"P1", "egvs"}: {10, 9}, {"P2", "events"}: {7, 0}, {"P3", "alerts"}: {2, 2}},
		OtherAccount: map[string]int{"P1": 3, "P2": 4},
		Tables:       map[string]Counts{"egvs": {Added: 11, Changed: 1, Restored: 2, Vanished: 3, Withheld: 4}, "glucose": {Removed: 5}},
		Warnings: []transform.Warning{
			{Field: "batteryLevel", Count: 2}, {Field: "status", Value: "odd", Count: 1},
			{Field: "trend", Value: "shaky", Count: 1}, {Field: "trend", Value: "wobbly", Count: 7},
		},
	}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Errorf("Add (-want +got):\n%s", diff)
	}
}

// Of whom nothing could be read: records came, and every one was rejected, by
// participant and resource.
func TestResultUnread(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	bad := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf(`{"recordId":"bad%d","systemTime":"soon"}`, i))
		}
		return all
	}
	good := egv("good", at(2, "12:00:00"), 100)
	w.answer("P2", "B", "events", from, to, bad(3)...)
	w.answer("P1", "A", "egvs", from, to, bad(288)...)
	w.answer("P1", "A", "calibrations", from, to, append(bad(2), good)...)
	w.answer("P1", "A", "alerts", from, to)
	w.answer("P2", "B", "events", from, to, bad(1)...)
	w.answer("P2", "B", "egvs", from, to, bad(5)...)
	w.answer("P2", "B", "egvs", from, to, good)
	w.answer("P3", "C", "devices", time.Time{}, time.Time{}, `{"alertSchedules":5}`)
	w.say("v", "P1", "A", "calibrations") // held: its records are nobody's
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
		r := k.load(Study{})
		if want := []Subject{{"P1", "egvs"}, {"P2", "events"}, {"P3", "devices"}}; !slices.Equal(r.Unread(), want) {
			t.Errorf("Unread = %v, want %v", r.Unread(), want)
		}
		if got := r.Tallies[Subject{"P2", "events"}]; got != (Tally{4, 4}) {
			t.Errorf("Tallies of P2's events: %+v, want 4 of 4", got)
		}
		k.unlock()
	}
}

// A value nobody has seen is warned about once, in however many commits it comes.
func TestWarningsOnce(t *testing.T) {
	w := newWorld(t, t.TempDir())
	for range 3 {
		w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "egvs"},
			`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[{"recordId":"x","systemTime":"2026-03-02T12:00:00Z","displayTime":"2026-03-02T12:00:00Z","value":100,"unit":"mg/dL","trend":"wobbly"}]}`)
	}
	k := w.tank("lake", 1)
	defer k.unlock()
	r := k.load(Study{})
	if want := []transform.Warning{{Field: "trend", Value: "wobbly", Count: 3}}; !cmp.Equal(r.Warnings, want) || r.Commits != 3 {
		t.Errorf("Load: %d commits, warnings %v; want 3 commits, %v", r.Commits, r.Warnings, want)
	}
}

// An answer of 204 has no body. It says what one without records says, in every
// resource: it is applied, is asked for no more, and what it lacks vanishes.
func TestNoContent(t *testing.T) {
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		w := newWorld(t, t.TempDir())
		other := newWorld(t, t.TempDir())
		for _, v := range []*world{w, other} {
			v.answer("P1", "A", "egvs", at(2, "00:00:00"), at(4, "00:00:00"), egv("a", at(3, "12:00:00"), 100))
		}
		window := raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: resource, WindowStart: at(2, "00:00:00"), WindowEnd: at(4, "00:00:00")}
		window.Status = 204
		w.append(window, "")
		other.answer("P1", "A", resource, window.WindowStart, window.WindowEnd)
		var rows [2][]string
		for i, v := range []*world{w, other} {
			k := v.tank("lake", 1)
			defer k.unlock()
			if r := k.load(Study{}); r.Held != 0 || r.Applied != 2 {
				t.Errorf("%s: %d applied, %d held; want both applied", resource, r.Applied, r.Held)
			}
			for _, table := range []string{"egvs", "glucose", "changes", "coverage", "fetch_status"} {
				rows[i] = append(rows[i], k.rows(table)...)
			}
		}
		sameText(t, resource+" with 204, and with an empty answer", rows[0], rows[1])
	}
}

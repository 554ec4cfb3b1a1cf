package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/transform"
)

// What several loads did reads like what one load did.
func TestResultAdd(t *testing.T) {
	total := Result{
		Snapshot: 3, Commits: 2, Applied: 5, Held: 1, Records: 100, Rejected: 2, Bytes: 1000, Conflicts: 1, Took: time.Second,
		Tables:   map[string]Counts{"egvs": {Added: 10, Changed: 1}},
		Warnings: []transform.Warning{{Field: "batteryLevel", Count: 2}, {Field: "trend", Value: "wobbly", Count: 3}},
	}
	total.Add(Result{
		Snapshot: 4, Commits: 1, Applied: 2, Held: 2, Records: 10, Rejected: 1, Bytes: 50, Conflicts: 2, Took: time.Minute,
		Tables:   map[string]Counts{"egvs": {Added: 1, Restored: 2, Vanished: 3, Withheld: 4}, "glucose": {Removed: 5}},
		Warnings: []transform.Warning{{Field: "status", Value: "odd", Count: 1}, {Field: "trend", Value: "shaky", Count: 1}, {Field: "trend", Value: "wobbly", Count: 4}},
	})
	want := Result{
		Snapshot: 4, Commits: 3, Applied: 7, Held: 3, Records: 110, Rejected: 3, Bytes: 1050, Conflicts: 3, Took: 61 * time.Second,
		Tables: map[string]Counts{"egvs": {Added: 11, Changed: 1, Restored: 2, Vanished: 3, Withheld: 4}, "glucose": {Removed: 5}},
		Warnings: []transform.Warning{
			{Field: "batteryLevel", Count: 2}, {Field: "status", Value: "odd", Count: 1},
			{Field: "trend", Value: "shaky", Count: 1}, {Field: "trend", Value: "wobbly", Count: 7},
		},
	}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Errorf("Add (-want +got):\n%s", diff)
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

package load

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/load/lake"
)

func (k *tank) current() lake.Manifest {
	k.t.Helper()
	m, err := k.Lake.Current()
	if err != nil {
		k.t.Fatalf("Current: %v", err)
	}
	return m
}

// unhashed is a manifest of before files had hashes of rows.
func unhashed(m lake.Manifest) lake.Manifest {
	m.Files = slices.Clone(m.Files)
	for i := range m.Files {
		m.Files[i].RowsHash = ""
	}
	return m
}

// diff compares two snapshots of the lake, both ways: what one way adds the
// other way removes. Without hashes it is the same.
func (k *tank) diff(a, b lake.Manifest) Difference {
	k.t.Helper()
	there, err := Diff(context.Background(), Side{k.Lake, a}, Side{k.Lake, b})
	if err != nil {
		k.t.Fatalf("Diff(%d, %d): %v", a.Snapshot, b.Snapshot, err)
	}
	each, err := Diff(context.Background(), Side{k.Lake, unhashed(a)}, Side{k.Lake, unhashed(b)})
	if d := cmp.Diff(there.Rows, each.Rows); d != "" || err != nil {
		k.t.Fatalf("Diff(%d, %d), and without hashes: %v\n%s", a.Snapshot, b.Snapshot, err, d)
	}
	back, err := Diff(context.Background(), Side{k.Lake, b}, Side{k.Lake, a})
	if err != nil {
		k.t.Fatalf("Diff(%d, %d): %v", b.Snapshot, a.Snapshot, err)
	}
	for i := range back.Rows {
		back.Rows[i].Added, back.Rows[i].Removed = back.Rows[i].Removed, back.Rows[i].Added
	}
	if d := cmp.Diff(there.Rows, back.Rows); d != "" {
		k.t.Fatalf("Diff(%d, %d) is not the reverse of Diff(%d, %d):\n%s", a.Snapshot, b.Snapshot, b.Snapshot, a.Snapshot, d)
	}
	return there
}

// Every kind of difference, by table and participant.
func TestDiff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	noon, one, two := at(2, "12:00:00"), at(2, "13:00:00"), at(2, "14:00:00")
	k := w.tank("lake", 0)
	defer k.unlock()
	study := Study{Participants: []Participant{{ID: "P1"}, {ID: "P2"}, {ID: "P3"}}}
	var snapshots []lake.Manifest
	step := func() { k.load(study); snapshots = append(snapshots, k.current()) }

	w.answer("P1", "A", "egvs", from, to, egv("same", noon, 100), egv("edited", one, 100), egv("lost", two, 100))
	w.answer("P2", "B", "egvs", from, to, egv("moved", noon, 100))
	step()
	w.answer("P1", "A", "egvs", from, to, egv("same", noon, 100), egv("edited", one, 120))
	w.answer("P2", "B", "egvs", from.AddDate(0, -1, 0), to, egv("moved", noon.AddDate(0, 0, -10), 100), egv("new", two, 90))
	step()
	w.answer("P1", "A", "egvs", from, to, egv("same", noon, 100), egv("edited", one, 120), egv("lost", two, 100)) // came back
	study.Participants[2].Site = "Leiden"
	step()
	w.answer("P1", "A", "egvs", from, to, egv("same", noon, 100), egv("edited", one, 120), egv("lost", two, 100)) // nothing new
	step()

	history := func(table, participant string, added, changed, history int64) RowCounts {
		return RowCounts{Table: table, Participant: participant, Added: added, Changed: changed, History: history}
	}
	tests := []struct {
		name         string
		a, b         int
		want         []RowCounts
		equal, whole bool
	}{
		{"a snapshot and itself", 0, 0, nil, true, true},
		{"edited, lost, moved, new", 0, 1, []RowCounts{
			{Table: "glucose", Participant: "P1", Changed: 1, Removed: 1},
			{Table: "glucose", Participant: "P2", Added: 2, Removed: 1}, // keyed by time
			{Table: "glucose_days", Participant: "P1", Changed: 1},
			{Table: "glucose_days", Participant: "P2", Added: 1, Changed: 1},
			{Table: "egvs", Participant: "P1", Changed: 1, Removed: 1},
			{Table: "egvs", Participant: "P2", Added: 1, Changed: 1},
			{Table: "coverage", Participant: "P1", Changed: 1},
			{Table: "coverage", Participant: "P2", Added: 1, Removed: 1},
			{Table: "coverage_days", Participant: "P1", Changed: 1},
			{Table: "coverage_days", Participant: "P2", Added: 1, Changed: 1},
			history("changes", "P1", 2, 0, 0), history("changes", "P2", 1, 0, 0),
			history("requests", "P1", 1, 0, 0), history("requests", "P2", 1, 0, 0),
		}, false, false},
		{"restored, a roster", 1, 2, []RowCounts{
			{Table: "glucose", Participant: "P1", Added: 1}, {Table: "glucose_days", Participant: "P1", Changed: 1}, {Table: "egvs", Participant: "P1", Added: 1},
			history("coverage", "P1", 0, 1, 0), {Table: "coverage_days", Participant: "P1", Changed: 1}, history("changes", "P1", 1, 0, 0),
			{Table: "participants", Participant: "P3", Changed: 1}, history("requests", "P1", 1, 0, 0),
		}, false, false},
		{"asked again", 2, 3, []RowCounts{history("coverage", "P1", 0, 0, 1), history("requests", "P1", 1, 0, 0)}, true, false},
	}
	for _, tt := range tests {
		d := k.diff(snapshots[tt.a], snapshots[tt.b])
		if diff := cmp.Diff(tt.want, d.Rows); diff != "" {
			t.Errorf("%s: Diff (-want +got):\n%s", tt.name, diff)
		}
		if d.Equal() != tt.equal || d.Identical() != tt.whole {
			t.Errorf("%s: equal %v, identical %v; want %v, %v", tt.name, d.Equal(), d.Identical(), tt.equal, tt.whole)
		}
	}
	// From the first to the last only the edit and the move of P1 and P2 remain.
	if got := k.diff(snapshots[0], snapshots[3]).Totals()[2]; got != (RowCounts{Table: "egvs", Added: 1, Changed: 2}) {
		t.Errorf("Totals of egvs from first to last = %+v, want 1 added, 2 changed", got)
	}
}

// What is lost is not compared, and said; all else is.
func TestDiffWithoutFiles(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	february := at(2, "12:00:00").AddDate(0, -1, 0)
	w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), egv("march", at(2, "12:00:00"), 100))
	w.answer("P1", "A", "egvs", february.Add(-12*time.Hour), february.Add(12*time.Hour), egv("february", february, 100))
	k.load(Study{})
	first := k.current()
	w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), egv("march", at(2, "12:00:00"), 110))
	w.answer("P1", "A", "egvs", february.Add(-12*time.Hour), february.Add(12*time.Hour), egv("february", february, 110))
	k.load(Study{})
	var lost lake.File
	for _, f := range first.TableFiles("egvs") {
		if f.Partition == "2026-02" {
			lost = f
		}
	}
	if err := os.Remove(filepath.Join(k.Lake.Path(), lost.Path)); err != nil {
		t.Fatal(err)
	}
	d := k.diff(first, k.current())
	if len(d.NotCompared) != 1 || d.NotCompared[0].Err.Path != lost.Path || d.NotCompared[0].Snapshot != 1 || d.NotCompared[0].Partition != "2026-02" {
		t.Errorf("not compared %+v, want egvs 2026-02 of snapshot 1 for %s", d.NotCompared, lost.Path)
	}
	if got, want := d.Totals()[:3], []RowCounts{{Table: "glucose", Changed: 2}, {Table: "glucose_days", Changed: 2}, {Table: "egvs", Changed: 1}}; !cmp.Equal(got, want) {
		t.Errorf("Totals = %+v, want %+v: glucose whole, egvs without February", got, want)
	}
}

// The trail is in the order of its lines, whoever they are about.
func TestDiffOfTheTrail(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	var lines []AuditLine
	for i, who := range []string{"", "P1", "P2", "P3", "P4", "", "P4", "P2", "P1", "P3", "", "P2"} {
		lines = append(lines, AuditLine{Seq: int64(i + 1), At: at(5, "00:00:00"), Who: "w", Command: "c", Subject: "participant", ParticipantID: who, Hash: "h"})
	}
	k.load(Study{Audit: lines[:10]})
	before := k.current()
	k.load(Study{Audit: lines})
	got := k.diff(before, k.current()).Rows
	want := []RowCounts{{Table: "audit", Added: 1}, {Table: "audit", Participant: "P2", Added: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what two lines more are (-want +got):\n%s", diff)
	}
}

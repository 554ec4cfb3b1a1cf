//go:build faults

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
)

// Wherever a repair dies, readers see no more damage than there was, and another repair, or
// a sync and then another repair, ends where an undisturbed one does.
func TestRepairIsKilled(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{
		Seed: 29, Participants: 2, Days: 3, End: demoNow, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.1},
	}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "for the paper")
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	want, s := b.contentOf(), b.save()
	for _, tt := range []struct {
		name   string
		harm   func(*bench)
		points []string
	}{
		{"files", (*bench).harmFiles, []string{
			"repair.linked", "repair.recovered", "load.file_written", "load.manifest_written", "load.manifest_linked", "load.committed", "snapshot.described",
			"repair.folded", "repair.marked", "repair.all_marked", "repair.folder_dropped", "snapshot.linked", "repair.published",
		}},
		{"manifests", (*bench).harmManifests, []string{
			"repair.marked", "repair.renamed", "repair.aside", "repair.marked:2", "repair.renamed:2", "repair.aside:2", "load.file_written", "load.manifest_written",
			"load.manifest_linked", "load.committed", "repair.folded", "snapshot.described", "repair.published",
		}},
	} {
		for i, point := range tt.points {
			t.Run(tt.name+" "+point, func(t *testing.T) {
				s.back(t)
				b.t = t
				tt.harm(b)
				b.die(point, "repair")
				if i%2 == 0 { // it may find what only a repair mends
					if code, _, stderr := b.run("sync"); !slices.Contains([]int{exitDone, exitDamage}, code) {
						t.Errorf("sync after the repair died: exit %d\n%s", code, stderr)
					}
				}
				b.must("repair")
				if v, code := b.verdict(); code != exitDone {
					t.Errorf("after the repair: exit %d, %+v", code, v.Damaged)
				}
				if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("after the repair:\n got  %v\n want %v", got, want)
				}
				b.must("query", "select count(*), max(hash(x)) from egvs x")
			})
		}
	}
}

// harmFiles harms a file of each kind that a repair mends in another way: one that is back
// from a folder, one that the log brings back, one of an older snapshot alone, and one of a
// folder.
func (b *bench) harmFiles() {
	b.t.Helper()
	l, m := b.newest()
	defer l.Close()
	in := func(name string) string { return filepath.Join(b.dir, "lake", name) }
	check(b.t, os.Remove(in(m.TableFiles("events")[0].Path)))
	b.harmTable("egvs", "rows")
	old := manifestOf(b.t, in(""), 1).TableFiles("runs")[0]
	if slices.ContainsFunc(m.Files, func(f lake.File) bool { return f.Path == old.Path }) {
		b.t.Fatal("runs of the first snapshot are those of the newest")
	}
	check(b.t, harms()["cut"](in(old.Path)))
	check(b.t, harms()["rows"](in("latest/codebook.csv")))
}

// harmManifests flips a bit in the newest and in an older one, which has no tag any more:
// that of a tag no repair mends.
func (b *bench) harmManifests() {
	b.t.Helper()
	b.must("snapshots", "drop", "paper", "--reason", "not needed")
	newest := b.manifest().Snapshot
	for _, n := range []int64{newest, newest - 1} {
		check(b.t, harms()["rows"](filepath.Join(b.dir, "lake", lake.ManifestPath(n))))
	}
}

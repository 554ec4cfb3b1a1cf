package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A state that is older than the lake has forgotten a withdrawal that the newest manifest
// alone names, and that is damaged or gone: nothing is handed out, and no repair sets it
// aside, until the withdrawal is recorded again. The data files of the trail have it still.
func TestOlderStateWithoutNewestManifest(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 3, Reusable: true})
	b.must("backfill")
	b.must("snapshots", "tag", "p1", "--reason", "cited")
	restore := b.backup("state.db", "audit.jsonl")
	from := demoNow.AddDate(0, 0, -1).Format(time.RFC3339)
	b.must("--yes", "withdraw", "P001", "--effective", from, "--reason", "moved")
	restore()
	manifest := filepath.Join(b.dir, "lake", "manifests", fmt.Sprintf("%012d.json", b.manifest().Snapshot))
	s := b.save()
	out := filepath.Join(filepath.Dir(b.dir), "out")
	for what, harm := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(manifest, []byte("{"), 0o644) },
		"gone":    func() error { return os.Remove(manifest) },
	} {
		t.Run(what, func(t *testing.T) {
			s.back(t)
			check(t, harm())
			for _, command := range [][]string{{"export", "csv", "--snapshot", "p1", "-o", out}, {"report", "--snapshot", "p1", "-o", out}, {"sync"}, {"repair"}} {
				if code, _, said := b.run(command...); code != exitDamage || !strings.Contains(said, "next: dexetl withdraw P001") {
					t.Errorf("%v: exit %d\n%s", command, code, said)
				}
			}
			_, _, said := b.run("repair")
			if code, _, said := b.run(append([]string{"--yes"}, next(t, said)...)...); code != exitDamage || !strings.Contains(said, "repair") {
				t.Errorf("withdraw beside a damaged manifest: exit %d\n%s", code, said)
			}
			b.must("repair")
			b.must("verify")
			b.must("sync")
			if rows := b.must("query", "--csv", "select count(*) as n from egvs where participant_id = 'P001' and system_time >= timestamp '"+from[:10]+" "+from[11:19]+"'"); rows != "n\n0\n" {
				t.Errorf("P001 has rows of after the withdrawal: %s", rows)
			}
		})
	}
}

// A newest manifest that cannot be read is no proof that nothing is forgotten: whoever hands
// out names it, and the repair.
func TestNothingIsHandedOutBesideADamagedManifest(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	b.must("snapshots", "tag", "p1", "--reason", "cited")
	b.must("--yes", "withdraw", "P001", "--effective", demoNow.AddDate(0, 0, -1).Format(time.RFC3339), "--reason", "moved")
	manifest := filepath.Join("manifests", fmt.Sprintf("%012d.json", b.manifest().Snapshot))
	check(t, os.WriteFile(filepath.Join(b.dir, "lake", manifest), []byte("{"), 0o644))
	out := filepath.Join(filepath.Dir(b.dir), "out")
	export := []string{"export", "csv", "--snapshot", "p1", "-o", out}
	for _, command := range [][]string{export, {"report", "--snapshot", "p1", "-o", out}} {
		if code, _, said := b.run(command...); code != exitDamage || !strings.Contains(said, filepath.Base(manifest)) || !slices.Equal(next(t, said), []string{"repair"}) {
			t.Errorf("%v: exit %d\n%s", command, code, said)
		}
	}
	b.must("repair")
	b.must(export...)
}

// Where the lake whose trail is to be gone on with is damaged, restore names no folder that it
// has not made.
func TestRestoreWithTrailOfADamagedLake(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1, Reusable: true})
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	backup, again := filepath.Join(beside, "backup"), filepath.Join(beside, "again")
	b.must("backup", backup)
	check(t, os.WriteFile(filepath.Join(b.dir, "lake", "manifests", fmt.Sprintf("%012d.json", b.manifest().Snapshot)), []byte("{"), 0o644))
	code, _, said := b.run("restore", "--trail", filepath.Join(b.dir, "lake"), backup, again)
	if code != exitDamage || !strings.Contains(said, "nothing was restored") || !strings.Contains(said, "audit.jsonl") || strings.Contains(said, "next:") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if _, err := os.Stat(again); err == nil {
		t.Error("it has made a folder")
	}
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
)

// newMarkedBench is a study whose tagged first snapshot has lost a file for good, which a
// repair has marked. The newest does without it. It returns where the file was, and a copy.
func newMarkedBench(t *testing.T) (b *bench, file, copied string) {
	t.Helper()
	b = newBenchAt(t, dexsim.Config{Seed: 29, Participants: 2, Days: 3, End: demoNow, Reusable: true}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "cited")
	first := b.manifest()
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	for _, f := range first.TableFiles("glucose") {
		if !isIn(f.Path, b.manifest()) {
			file = filepath.Join(b.dir, "lake", f.Path)
		}
	}
	copied = filepath.Join(t.TempDir(), "copy")
	b.copyFolder(file, copied)
	rotten := damages()["rotten"]
	check(t, rotten(file, ""))
	b.must("repair")
	return b, file, copied
}

func isIn(path string, m lake.Manifest) bool {
	for _, f := range m.Files {
		if f.Path == path {
			return true
		}
	}
	return false
}

// Damage of older snapshots that is known keeps nothing of the newest from being looked at.
func TestVerifyLooksBehindMarks(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, _, _ := newMarkedBench(t)
	said := b.must("verify", "--deep") + b.must("verify", "--deep", "--json")
	for _, want := range []string{"marked before", "tables and views", "the log folded anew gives the same rows", `"sound": true`} {
		if !strings.Contains(strings.Join(strings.Fields(said), " "), want) {
			t.Errorf("verify --deep does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "until") {
		t.Errorf("verify --deep leaves something out:\n%s", said)
	}
}

// Of a file that is marked a repair says that only a backup has it; once it is back its snapshot
// is no longer listed as damaged.
func TestAdviceOfMarks(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, file, copied := newMarkedBench(t)
	if said := b.must("repair"); !strings.Contains(said, "only a backup has it") {
		t.Errorf("a second repair says\n%s", said)
	}
	check(t, errors.Join(os.Remove(file), os.RemoveAll(filepath.Join(b.dir, "lake", "snapshots", "000001")))) // which has metrics
	for _, args := range [][]string{{"metrics", "--snapshot", "paper"}, {"query", "--snapshot", "paper", "select count(*) from glucose"}} {
		code, _, stderr := b.run(args...)
		if code != exitDamage || !strings.Contains(stderr, "only a backup has it") || strings.Contains(stderr, "next:") {
			t.Errorf("%v: exit %d, want 7, and the backup as the way out\n%s", args, code, stderr)
		}
	}
	to := filepath.Join(t.TempDir(), "backup")
	if _, _, said := b.run("backup", to); !strings.Contains(said, "not in it: 1 data file") {
		t.Errorf("a first backup does not say what it lacks:\n%s", said)
	}
	if said := b.must("backup", to, "--json"); !strings.Contains(said, filepath.Base(file)) {
		t.Errorf("a second backup does not name what it lacks:\n%s", said)
	}
	within, err := filepath.Rel(b.dir, file)
	check(t, err)
	b.copyFolder(copied, filepath.Join(to, within))
	if said := b.must("backup", to, "--json"); strings.Contains(said, filepath.Base(file)) {
		t.Errorf("a backup that has the file says\n%s", said)
	}
	damaged := func() bool { return strings.Contains(b.must("snapshots", "list", "--json"), `"damaged": 1`) }
	if !damaged() {
		t.Error("snapshots list says nothing of the mark")
	}
	b.copyFolder(copied, file)
	if damaged() {
		t.Error("snapshots list says of a file that is back that it is lost")
	}
}

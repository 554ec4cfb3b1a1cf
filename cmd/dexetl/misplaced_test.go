//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// misplaced are the names of lake and state that are folders, and those that are files. A
// pattern stands for the first that fits. Those that a repair cannot make again are kept.
var misplaced = []struct {
	name   string
	folder bool // what stands there
	kept   bool
}{
	{"lake/opened", false, false},
	{"lake/tags", false, false},
	{"lake/snapshots", false, false},
	{"lake/snapshots/0*", false, false},
	{"lake/snapshots/0*/glucose", false, false},
	{"lake/damaged", false, false},
	{"lake/data", false, false},
	{"lake/data/.staging", false, false},
	{"lake/data/glucose/month=*", false, false},
	{"lake/manifests", false, true},
	{"lake/raw", false, true},
	{"lake/raw/2*", false, true},
	{"lake", false, true},
	{"lake/data/glucose/*/*.parquet", true, false},
	{"lake/snapshots/0*/glucose/*/*.parquet", true, false},
	{"lake/latest", true, false},
	{"lake/load.lock", true, false},
	{"lake/gone.json", true, false},
	{"lake/tags/paper.json", true, false},
	{"lake/manifests/*5.json", true, false},
	{"lake/raw/lock", true, true},
	{"lake/raw/*/*/*.seg", true, true},
	{"state", false, true},
	{"state/receipts", false, true},
	{"state/holders", false, true},
	{"state/quarantine", false, true},
	{"state/quarantine/P002", false, true},
	{"state/audit.jsonl", true, true},
	{"state/state.db", true, true},
	{"state/reserve", true, true},
	{"state/sealing.key", true, true},
	{"state/receipts/*.json", true, true},
	{"state/quarantine/sums.json", true, true},
	{"state/quarantine/P002/*", true, true},
}

// A file where a folder belongs, or a folder where a file does, is damage that verify names:
// each command ends with it or without it, and says what to do. A repair sets aside what it
// can make again, and then nothing is damaged.
func TestMisplaced(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 31, Participants: 3, Days: 3, End: demoNow, Reusable: true}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "for the paper")
	b.now = b.now.Add(24 * time.Hour)
	b.must("--yes", "withdraw", "P002", "--effective", demoNow.AddDate(0, 0, -2).Format(time.RFC3339), "--reason", "test")
	b.must("--yes", "withdraw", "P003", "--erase", "--reason", "asked to")
	b.must("sync")
	s := b.save()
	for _, c := range misplaced {
		kind := map[bool]string{false: "a file stands where a folder belongs", true: "a folder stands where a file belongs"}[c.folder]
		t.Run(c.name+" "+kind[:8], func(t *testing.T) {
			s.back(t)
			b.t = t
			b.misplace(c.name, c.folder)
			fine := func(may []int, args ...string) (int, string) {
				t.Helper()
				code, out, stderr := b.run(args...)
				told := code == exitDone || strings.Contains(stderr, "advice: ") || strings.Contains(stderr, "next: ")
				if !slices.Contains(may, code) || !told {
					t.Errorf("%v: exit %d, want one of %v and what to do\n%s%s", args, code, may, out, stderr)
				}
				return code, out + stderr
			}
			if _, said := fine([]int{exitDamage}, "verify"); !strings.Contains(said, kind) {
				t.Errorf("verify does not say that %s:\n%s", kind, said)
			}
			fine([]int{exitDone, exitDamage}, "sync")
			if c.kept {
				fine([]int{exitDamage}, "repair")
				return
			}
			fine([]int{exitDone}, "repair")
			fine([]int{exitDone}, "verify")
		})
	}
}

// misplace puts a file or a folder at the first path of the study that fits a pattern.
func (b *bench) misplace(pattern string, folder bool) {
	b.t.Helper()
	path := filepath.Join(b.dir, pattern)
	if found, _ := filepath.Glob(path); len(found) > 0 {
		path = found[0]
	}
	err := os.RemoveAll(path)
	if err == nil && folder {
		err = os.MkdirAll(filepath.Join(path, "inside"), 0o700)
	} else if err == nil {
		err = os.WriteFile(path, []byte("x"), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

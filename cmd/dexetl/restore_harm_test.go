package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// What is gone or damaged in a backup, restore brings as it is, and names it, as verify of the
// backup does: it makes no other state, and appends nothing to a trail that was cut.
func TestRestoreOfAHarmedBackup(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 2, Days: 2})
	b.must("backfill")
	check(t, os.WriteFile(filepath.Join(b.dir, "roster.csv"), []byte("participant_id\nP001\nP002\n"), 0o600))
	beside := filepath.Dir(b.dir)
	backup := filepath.Join(beside, "backup")
	b.must("backup", backup)
	flipped := func(path string) error {
		text, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(text), "P001", "P003", 1)), 0o600))
	}
	broken := func(path string) error { return os.WriteFile(path, []byte("study: [\n"), 0o600) }
	for _, c := range []struct {
		file, says string
		harm       func(path string) error
	}{
		{"state/state.db", "state.db: it is gone", os.Remove},
		{"state/state.db", "state.db", zeroPages},
		{"state/audit.jsonl", "audit.jsonl", harms()["cut"]},
		{"state/audit.jsonl", "audit.jsonl", os.Remove},
		{"roster.csv", "roster.csv", flipped},
		{"dexetl.yaml", "dexetl.yaml", broken},
	} {
		dir := t.TempDir()
		harmed, new := filepath.Join(dir, "harmed"), filepath.Join(dir, "new")
		b.copyFolder(backup, harmed)
		check(t, c.harm(filepath.Join(harmed, c.file)))
		for _, args := range [][]string{{"--study", harmed, "verify"}, {"restore", harmed, new}} {
			code, out, said := b.run(args...)
			if code != exitDamage || !strings.Contains(out+said, c.says) || strings.Contains(said, "repair") && args[0] == "restore" {
				t.Errorf("%s with %s harmed: exit %d\n%s%s", args, c.file, code, out, said)
			}
			if strings.Contains(out+said, "put in, repeated") || strings.Contains(said, "advice: mend the study") {
				t.Errorf("%s with %s harmed says what restore did itself:\n%s%s", args, c.file, out, said)
			}
		}
		if c.file == "dexetl.yaml" { // which says where all belongs
			continue
		}
		if strings.HasPrefix(c.file, "state/") {
			want, got := contentsOf(t, filepath.Join(harmed, "state")), contentsOf(t, filepath.Join(new, "state"))
			for _, name := range []string{"holders", "reserve", "state.db-wal", "state.db-shm"} {
				delete(got, name)
			}
			if _, there := want["state.db"]; there { // it was opened
				delete(got, "state.db")
				delete(want, "state.db")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the state that was restored with %s harmed (-backup +study):\n%s", c.file, diff)
			}
		}
	}
}

// A trail that was cut in the backup is whole again with that of the study that was lost.
func TestRestoreWithTrailMendsACutOne(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	backup, trail := filepath.Join(beside, "backup"), filepath.Join(beside, "audit.jsonl")
	b.must("backup", backup)
	b.copyFolder(filepath.Join(b.dir, "state", "audit.jsonl"), trail)
	check(t, harms()["cut"](filepath.Join(backup, "state", "audit.jsonl")))
	dir := filepath.Join(beside, "again")
	b.must("restore", "--trail", trail, backup, dir)
	b.dir, b.now = dir, b.now.Add(time.Minute)
	b.must("audit", "verify")
	b.must("verify")
}

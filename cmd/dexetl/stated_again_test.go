package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// restoredWithTrail loses the study of b, and restores it from a backup of before, with its
// newest trail. It returns what the restore said.
func restoredWithTrail(t *testing.T, b *bench, backup string) (code int, said string) {
	t.Helper()
	trail := filepath.Join(filepath.Dir(b.dir), "audit.jsonl")
	b.copyFolder(filepath.Join(b.dir, "state", "audit.jsonl"), trail)
	b.dir = filepath.Join(filepath.Dir(b.dir), "again")
	code, _, said = b.run("restore", "--trail", trail, backup, b.dir)
	return code, said
}

// Whoever was deleted after the backup is handed out to nobody, and the command that is named
// says it again.
func TestRestoreWithTrailOfADeletion(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	backup, out := filepath.Join(filepath.Dir(b.dir), "backup"), filepath.Join(filepath.Dir(b.dir), "out")
	b.must("backup", backup)
	b.must("participants", "pause", "P002", "--deleted") // as the API does it
	if code, said := restoredWithTrail(t, b, backup); code != exitDone || !strings.Contains(said, "P002 was deleted at") {
		t.Errorf("restore: exit %d\n%s", code, said)
	}
	code, _, said := b.run("export", "csv", "-o", out)
	if code != exitDamage || !strings.Contains(said, "next: dexetl participants pause P002 --deleted") {
		t.Fatalf("export: exit %d\n%s", code, said)
	}
	b.must(next(t, said)...)
	b.must("verify")
	b.must("export", "csv", "-o", out)
	if list := b.must("participants", "show", "P002"); !strings.Contains(list, "delete") {
		t.Errorf("P002 is not deleted again:\n%s", list)
	}
}

// A tag on what an erasure issued again is not given up where the erasure has to be made once
// more: it brings the snapshot back, and a repair the tag.
func TestRestoreWithTrailOfATagOnAReissue(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "for the paper")
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	b.must("--yes", "withdraw", "P002", "--erase", "--reason", "asked to")
	var paper struct{ Snapshot string }
	text, err := os.ReadFile(b.oneOf("lake/tags/paper.json"))
	check(t, err)
	check(t, json.Unmarshal(text, &paper))
	b.must("snapshots", "tag", "cite", "--snapshot", paper.Snapshot, "--reason", "for another")
	want, err := os.ReadFile(b.oneOf("lake/tags/cite.json"))
	check(t, err)
	code, said := restoredWithTrail(t, b, backup)
	if code != exitDamage || !strings.Contains(said, "withdraw P002 --erase") || strings.Contains(said, "snapshots drop") {
		t.Fatalf("restore: exit %d, want %d and the erasure as the next command\n%s", code, exitDamage, said)
	}
	for range 4 {
		if code, _, said = b.run("verify"); code == exitDone {
			break
		}
		command := next(t, said)
		if command[0] == "repair" {
			b.must("repair")
		} else {
			b.run(append(command, "--yes")...)
		}
	}
	b.must("verify")
	b.must("verify", "--absent", "P002")
	if got, err := os.ReadFile(b.oneOf("lake/tags/cite.json")); err != nil || string(got) != string(want) {
		t.Errorf("the tag is %s, %v\nit was %s", got, err, want)
	}
}

// A withdrawal holds whatever the clock says: one that is stated after the clock was put back
// takes out what it says, of somebody who had withdrawn, too.
func TestWithdrawalsOfASteppedClock(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 6, Reusable: true})
	b.must("backfill")
	day := func(n int) string { return demoNow.AddDate(0, 0, -n).Format(time.RFC3339) }
	b.must("--yes", "withdraw", "P001", "--effective", day(2), "--reason", "moved")
	b.now = b.now.Add(-time.Hour)
	b.must("--yes", "withdraw", "P002", "--effective", day(3), "--reason", "moved")
	b.must("--yes", "withdraw", "P001", "--effective", day(4), "--reason", "earlier than that")
	b.now = b.now.Add(2 * time.Hour)
	b.must("verify")
	for id, at := range map[string]string{"P001": day(4), "P002": day(3)} {
		if n := b.lines("select count(*) from egvs where participant_id = '" + id + "' and system_time >= '" + at[:19] + "'"); n[0] != "0" {
			t.Errorf("%s: %s readings of after the withdrawal", id, n[0])
		}
	}
}

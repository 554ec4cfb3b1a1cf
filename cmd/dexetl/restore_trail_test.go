package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// With the trail of the study that was lost, what is restored asks Dexcom for nothing until
// everybody who withdrew since the backup has withdrawn again, and its trail is whole.
func TestRestoreGoesOnWithTheTrail(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 3, Days: 3, Reusable: true})
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	backup := filepath.Join(beside, "backup")
	b.must("backup", backup)
	b.must("--yes", "withdraw", "P001", "--effective", demoNow.AddDate(0, 0, -2).Format(time.RFC3339), "--reason", "moved")
	b.must("--yes", "withdraw", "P002", "--erase", "--reason", "asked to")
	trail := filepath.Join(beside, "audit.jsonl")
	b.copyFolder(filepath.Join(b.dir, "state", "audit.jsonl"), trail)
	check(t, os.RemoveAll(b.dir))

	altered, older := filepath.Join(beside, "altered.jsonl"), filepath.Join(beside, "older.jsonl")
	b.copyFolder(trail, altered)
	change(t, altered, "moved", "loved")
	text, err := os.ReadFile(trail)
	check(t, err)
	check(t, os.WriteFile(older, []byte(strings.Join(strings.SplitAfter(string(text), "\n")[:2], "")), 0o600))
	b.dir = filepath.Join(beside, "again")
	for path, says := range map[string]string{altered: "was altered", older: "does not have line 3"} {
		if code, _, said := b.run("restore", "--trail", path, backup, b.dir); code != exitDamage || !strings.Contains(said, says) {
			t.Errorf("restore --trail %s: exit %d\n%s", filepath.Base(path), code, said)
		}
		if _, err := os.Stat(b.dir); err == nil {
			t.Errorf("a refused restore has made %s", b.dir)
		}
	}
	code, _, said := b.run("restore", "--trail", trail, backup, b.dir)
	if code != exitDone || !strings.Contains(said, "P001 has withdrawn") {
		t.Errorf("restore: exit %d\n%s", code, said)
	}
	if code, _, said := b.run("export", "csv", "-o", filepath.Join(beside, "out")); code != exitDamage || !strings.Contains(said, "withdraw P00") {
		t.Errorf("export with a state that has forgotten who withdrew: exit %d\n%s", code, said)
	}
	if code, _, said := b.run("report", "-o", filepath.Join(beside, "pages")); code != exitDamage || !strings.Contains(said, "withdraw P00") {
		t.Errorf("report with a state that has forgotten who withdrew: exit %d\n%s", code, said)
	}
	was := b.manifest().Snapshot
	for _, command := range [][]string{{"replay"}, {"repair"}, {"snapshots", "tag", "paper", "--reason", "cited"}} {
		if code, _, said := b.run(command...); code != exitDamage || !strings.Contains(said, "withdraw P00") {
			t.Errorf("%v with a state that has forgotten who withdrew: exit %d\n%s", command, code, said)
		}
	}
	if now := b.manifest().Snapshot; now != was {
		t.Errorf("snapshot %d was made, with a state that has forgotten who withdrew", now)
	}
	asked := b.counted()
	for range 3 {
		code, _, said := b.run("sync")
		if code == exitDone {
			break
		}
		if code != exitDamage || asked.Load() != 0 {
			t.Fatalf("sync: exit %d, %d requests\n%s", code, asked.Load(), said)
		}
		b.must(append([]string{"--yes"}, next(t, said)...)...)
	}
	b.must("sync")
	b.must("verify")
	b.must("audit", "verify")
	b.must("verify", "--absent", "P002")
	if list := b.must("audit", "--subject", "backup"); !strings.Contains(list, "lines_unknown") {
		t.Errorf("the trail does not say that it goes on after a restore:\n%s", list)
	}
	b.rewrite(func(lines []string) []string {
		lines[len(lines)-3] = strings.Replace(lines[len(lines)-3], `"seq":`, `"seq": `, 1)
		return lines
	})
	if code, _, said := b.run("audit", "verify"); code != exitDamage {
		t.Errorf("audit verify of an altered line: exit %d\n%s", code, said)
	}
}

// Where no file of the trail is left, the newest snapshot of the lake has it: the state that
// is restored beside that lake goes on with it, and is asked for nothing that it forgot.
func TestRestoreGoesOnWithTheLake(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	backup, part, state := filepath.Join(beside, "backup"), filepath.Join(beside, "part"), filepath.Join(b.dir, "state")
	b.must("backup", backup)
	b.must("--yes", "withdraw", "P001", "--effective", demoNow.AddDate(0, 0, -1).Format(time.RFC3339), "--reason", "moved")
	check(t, os.RemoveAll(state))
	lake, dir := filepath.Join(b.dir, "lake"), b.dir
	b.must("restore", "--trail", lake, backup, part)
	check(t, os.Rename(filepath.Join(part, "state"), state))
	b.dir = dir
	code, _, said := b.run("sync")
	if code != exitDamage || !strings.Contains(said, "withdraw P001") {
		t.Fatalf("sync: exit %d\n%s", code, said)
	}
	b.must(append([]string{"--yes"}, next(t, said)...)...)
	b.must("sync")
	b.must("audit", "verify")
	b.must("verify")
	b.must("doctor")
}

// A tag that is younger than the backup is known to the trail alone: what is restored names the
// command that ends this, and verify is content.
func TestRestoreWithTrailOfYoungerTag(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 3, End: demoNow, Reusable: true}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	backup, lost := filepath.Join(beside, "backup"), filepath.Join(beside, "lost")
	b.must("backup", backup)
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	b.must("snapshots", "tag", "paper-2", "--reason", "cited")
	check(t, os.Rename(b.dir, lost))
	code, _, said := b.run("restore", "--trail", filepath.Join(lost, "state", "audit.jsonl"), backup, b.dir)
	if code != exitDamage || !strings.Contains(said, "tags/paper-2.json: it is gone, and this lake does not have the snapshot") {
		t.Errorf("restore: exit %d\n%s", code, said)
	}
	for _, command := range []string{"verify", "repair"} {
		code, out, again := b.run(command)
		if code != exitDamage || !strings.Contains(again, "snapshots drop paper-2") || strings.Count(out, "paper-2.json") != 1 {
			t.Errorf("%s: exit %d\n%s%s", command, code, out, again)
		}
		said = again
	}
	b.must("snapshots", "drop", "paper-2", "--reason", "lost")
	b.must("verify")
	b.must("audit", "verify")
	if code, _, _ := b.run("snapshots", "drop", "paper-2", "--reason", "lost"); code != exitUsage {
		t.Errorf("dropped once more: exit %d", code)
	}
}

// A number that the trail knows as tagged is cited: no other snapshot gets it. What was dropped
// after the backup is there again, and told.
func TestRestoreWithTrailKeepsNumbers(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 4, End: demoNow, Reusable: true}, demoNow.AddDate(0, 0, -2))
	b.must("backfill")
	b.must("snapshots", "tag", "draft", "--reason", "a draft")
	b.must("snapshots", "tag", "kept", "--reason", "a thesis")
	beside := filepath.Dir(b.dir)
	backup, lost := filepath.Join(beside, "backup"), filepath.Join(beside, "lost")
	b.must("backup", backup)
	was := b.manifest().Snapshot
	b.must("snapshots", "drop", "draft", "--reason", "not cited")
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	b.must("snapshots", "tag", "paper-2", "--reason", "cited")
	b.must("snapshots", "drop", "paper-2", "--reason", "cited all the same")
	cited := b.manifest().Snapshot
	if cited == was {
		t.Fatal("the sync has made no snapshot")
	}
	check(t, os.Rename(b.dir, lost))
	_, _, said := b.run("restore", "--trail", filepath.Join(lost, "state", "audit.jsonl"), backup, b.dir)
	if !strings.Contains(said, "the tag draft is there again") || !strings.Contains(said, "snapshots drop draft") || strings.Contains(said, "tag kept") || strings.Contains(said, "no change that the backup has not") {
		t.Errorf("restore says\n%s", said)
	}
	b.must("verify")
	b.must("sync")
	if m := b.manifest(); m.Snapshot <= cited || m.Parent != was {
		t.Errorf("the next snapshot is %d, made from %d; want one after %d, from %d", m.Snapshot, m.Parent, cited, was)
	}
	b.must("verify")
	b.must("repair")
	b.must("snapshots", "list")
	b.must("snapshots", "drop", "draft", "--reason", "again")
	b.must("gc")
	b.must("backup", filepath.Join(beside, "another"))
	b.must("--study", filepath.Join(beside, "another"), "verify")
}

// Without the trail a restore says from when on withdrawals are unknown, and names no
// command that asks Dexcom.
func TestRestoreWarnsOfWithdrawals(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1})
	b.must("backfill")
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	code, _, said := b.run("restore", backup, filepath.Join(t.TempDir(), "again"))
	at := b.now.UTC().Format(time.RFC3339)
	for _, want := range []string{"withdrew or was erased after " + at, "--trail"} {
		if code != exitDone || !strings.Contains(said, want) {
			t.Errorf("restore: exit %d, want it to say %q\n%s", code, want, said)
		}
	}
	var restored struct {
		Trail    bool
		AsOf     time.Time `json:"as_of"`
		Warnings []string
		Next     string
	}
	b.decode(&restored, "restore", backup, filepath.Join(t.TempDir(), "once more"), "--json")
	if restored.Trail || !restored.AsOf.Equal(b.now) || len(restored.Warnings) != 3 || !strings.Contains(restored.Next, "participants list") {
		t.Errorf("restore --json says %+v", restored)
	}
	for _, text := range restored.Warnings {
		if !strings.Contains(said, text) {
			t.Errorf("restore --json warns %q, and in words it says\n%s", text, said)
		}
	}
	if strings.Contains(said, "next: dexetl sync") || strings.HasSuffix(strings.TrimSpace(said), " sync") {
		t.Errorf("restore sends straight to a sync:\n%s", said)
	}
}

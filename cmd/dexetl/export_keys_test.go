package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// What export knows of a lost key, verify knows, too; and after another one was made, the
// backup, which has the lost one, goes on and gives it back.
func TestLostExportKeys(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 2, Days: 2})
	b.must("backfill")
	beside, key := filepath.Dir(b.dir), filepath.Join(b.dir, "state", "export-keys.json")
	handed := func(more ...string) []string {
		return append([]string{"export", "csv", "-o", filepath.Join(t.TempDir(), "out"), "--deid", "--tables", "devices"}, more...)
	}
	refuses := func(says, advice string, code int, args ...string) {
		t.Helper()
		got, out, said := b.run(args...)
		if got != code || !strings.Contains(out+said, says) || !strings.Contains(said, advice) {
			t.Errorf("%s: exit %d, want %d, %q and %q\n%s%s", args, got, code, says, advice, out, said)
		}
	}
	b.must(handed()...)
	backup, older := filepath.Join(beside, "backup"), filepath.Join(beside, "older")
	b.must("backup", backup)
	b.must("backup", older)
	b.must(handed("--new-names")...)
	b.must("backup", backup)
	check(t, os.Rename(b.dir, filepath.Join(beside, "lost")))
	trail := filepath.Join(beside, "lost", "state", "audit.jsonl")
	refuses("its newest key is 1", "newest backup", exitDamage, "restore", "--trail", trail, older, b.dir)
	refuses("its newest key is 1", "newest backup", exitDamage, "verify")

	check(t, os.Remove(key))
	refuses("it is gone", "newest backup", exitDamage, "verify")
	b.must(handed("--new-names")...)
	b.must("verify")
	code, _, said := b.run("backup", older)
	_, copies, _ := strings.Cut(said, "\n  next: ")
	if code != exitDamage || !strings.Contains(said, "does not have key 1") {
		t.Fatalf("backup: exit %d\n%s", code, said)
	}
	if out, err := exec.Command("sh", "-c", copies).CombinedOutput(); err != nil || !strings.HasPrefix(copies, "cp -p ") {
		t.Fatalf("%s: %v: %s", copies, err, out)
	}
	b.must("verify")
	b.must("backup", older)
	b.must("--study", older, "verify")
	if list := b.must("export", "names"); strings.Count(list, "P001") != 2 {
		t.Errorf("export names has not both keys:\n%s", list)
	}
	b.must(handed()...)
}

// The keys of another study in the place of the study's own rename nobody, and what is damaged
// names a way out for whoever has no backup.
func TestForeignExportKeys(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, other := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 1}), newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1})
	for _, one := range []*bench{b, other} {
		one.must("backfill")
		one.must("export", "csv", "-o", filepath.Join(t.TempDir(), "out"), "--deid", "--tables", "devices")
	}
	key := filepath.Join(b.dir, "state", "export-keys.json")
	check(t, os.Remove(key))
	b.copyFolder(filepath.Join(other.dir, "state", "export-keys.json"), key)
	deid := func(more ...string) []string {
		return append([]string{"export", "csv", "-o", filepath.Join(t.TempDir(), "out"), "--deid", "--tables", "devices"}, more...)
	}
	for _, args := range [][]string{{"verify"}, {"export", "names"}, deid(), deid("--new-names")} {
		code, out, said := b.run(args...)
		if code != exitDamage || !strings.Contains(out+said, "another study's") || !strings.Contains(said, "move that one away") {
			t.Errorf("%s with another study's keys: exit %d\n%s%s", args, code, out, said)
		}
	}
	for _, text := range []string{"", "{\"format\": 2"} {
		check(t, os.WriteFile(key, []byte(text), 0o600))
		for _, args := range [][]string{deid(), deid("--new-names")} {
			if code, _, said := b.run(args...); code != exitKey || !strings.Contains(said, "move it away") {
				t.Errorf("%s with keys %q: exit %d\n%s", args, text, code, said)
			}
		}
	}
	check(t, os.Chmod(key, 0o644))
	if code, _, said := b.run("export", "names"); code != exitKey || !strings.Contains(said, "chmod 600") || strings.Contains(said, "move it away") {
		t.Errorf("keys that others can read: exit %d\n%s", code, said)
	}
	check(t, os.Remove(key))
	b.must(deid("--new-names")...)
	b.must("verify")
}

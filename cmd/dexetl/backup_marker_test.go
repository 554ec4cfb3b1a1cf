package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// unseal makes of a backup.json one of a program that wrote no checksum into it.
func unseal(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	older := regexp.MustCompile(`,\n *"checksum": "[0-9a-f]*"`).ReplaceAllString(string(text), "")
	check(t, os.WriteFile(path, []byte(strings.Replace(older, `"format": 2`, `"format": 1`, 1)), 0o600))
}

// A backup whose backup.json is gone, cut, foreign or has another byte says so, with exit code
// 7, to whoever looks at it, restores it or backs up into it; and what the advice says makes a
// study of it. One without a checksum is an older program's.
func TestBackupWithoutItsMarker(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	want := b.query(readingsOf)
	beside := filepath.Dir(b.dir)
	backup := filepath.Join(beside, "backup")
	b.must("backup", backup)
	text, err := os.ReadFile(filepath.Join(backup, "backup.json"))
	check(t, err)
	for name, marker := range map[string]string{
		"gone": "", "cut": string(text[:len(text)/2]), "foreign": "{\"participants\": []}\n",
		"misplaced": "", "flipped": strings.Replace(string(text), `"study": "age1`, `"study": "age2`, 1),
	} {
		harmed := filepath.Join(beside, name)
		b.copyFolder(backup, harmed)
		path := filepath.Join(harmed, "backup.json")
		check(t, os.WriteFile(path, []byte(marker), 0o600))
		if marker == "" {
			check(t, os.Remove(path))
		}
		if name == "misplaced" {
			check(t, os.Mkdir(path, 0o700))
		}
		before := contentsOf(t, harmed)
		commands := [][]string{{"backup", harmed}, {"restore", harmed, filepath.Join(t.TempDir(), "new")}}
		if name != "gone" { // then it is looked at as a study
			commands = append(commands, []string{"--study", harmed, "verify"})
		}
		for _, args := range commands {
			if code, _, said := b.run(args...); code != exitDamage || !strings.Contains(said, "backup.json in "+harmed) || !strings.Contains(said, "cp -a "+harmed) {
				t.Errorf("%s with backup.json %s: exit %d\n%s", args, name, code, said)
			}
		}
		if diff := cmp.Diff(before, contentsOf(t, harmed)); diff != "" {
			t.Errorf("the backup with backup.json %s (-before +after):\n%s", name, diff)
		}
		dir := filepath.Join(beside, name+" by hand")
		b.copyFolder(harmed, dir)
		check(t, os.RemoveAll(filepath.Join(dir, "backup.json")))
		study := b.dir
		b.dir = dir
		b.must("repair")
		b.must("verify")
		if diff := cmp.Diff(want, b.query(readingsOf)); diff != "" {
			t.Errorf("readings of the study made by hand (-want +got):\n%s", diff)
		}
		b.dir = study
	}
	unseal(t, filepath.Join(backup, "backup.json"))
	b.must("--study", backup, "verify")
	b.must("backup", backup)
	b.restored(backup)
	b.must("verify")
}

// What a backup lacks is told as a backup's: no advice for a study that has lost the same file
// is given, which would begin a new state in it.
func TestAdviceForABackup(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 1})
	beside := filepath.Dir(b.dir)
	unloaded, loaded := filepath.Join(beside, "unloaded"), filepath.Join(beside, "loaded")
	b.must("participants", "pause", "P001")
	b.must("backup", unloaded)
	b.must("participants", "resume", "P001")
	b.must("backfill")
	b.must("backup", loaded)
	for _, backup := range []string{unloaded, loaded} {
		check(t, os.Truncate(filepath.Join(backup, "state/state.db"), 0))
		b.tells(exitDamage, "backup "+backup+" --compare", "--study", backup, "verify")
		restored := filepath.Join(t.TempDir(), "new")
		b.tells(exitDamage, "the backup has it like that", "restore", backup, restored)
		if _, _, said := b.run("restore", backup, filepath.Join(t.TempDir(), "new")); strings.Contains(said, "touch") {
			t.Errorf("restore of a backup with an emptied state.db:\n%s", said)
		}
		check(t, os.Remove(filepath.Join(backup, "dexetl.yaml")))
		b.tells(exitDamage, "dexetl.yaml, put into this one, mends it", "--study", backup, "verify")
	}
}

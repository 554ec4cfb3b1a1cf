package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// The file of a tag is one of before: its snapshot was issued again since, or the name was given
// to another one. Whatever runs meanwhile, what the tag is on stays, in the lake and in its
// backup; and a repair puts it right.
func TestOlderTagFile(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 6, Participants: 3, Days: 4, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.Edit | dexsim.Late}})
	b.now = demoNow.AddDate(0, 0, -2)
	b.must("backfill")
	b.must("snapshots", "tag", "first", "--reason", "a paper")
	b.must("snapshots", "tag", "second", "--reason", "another")
	older := make(map[string][]byte)
	for _, tag := range []string{"first", "second"} {
		content, err := os.ReadFile(filepath.Join(b.dir, "lake/tags", tag+".json"))
		check(t, err)
		older[tag] = content
	}
	b.must("withdraw", "P003", "--erase", "--reason", "asked to", "--yes")
	b.now = demoNow.AddDate(0, 0, -1)
	b.must("sync")
	b.must("snapshots", "drop", "second", "--reason", "too early")
	b.must("snapshots", "tag", "second", "--reason", "another")
	b.now = demoNow
	b.must("sync")
	s := b.save()
	for _, tag := range []string{"first", "second"} {
		t.Run(tag, func(t *testing.T) {
			s.back(t)
			backup := filepath.Join(t.TempDir(), "backup")
			b.must("backup", backup)
			before := b.must("metrics", "--snapshot", tag, "--csv")
			on := b.tagged(tag)
			file := b.oneOf("lake/tags/" + tag + ".json")
			good, err := os.ReadFile(file)
			check(t, err)
			check(t, os.Remove(file))
			check(t, os.WriteFile(file, older[tag], 0o600))
			for _, command := range [][]string{{"verify"}, {"gc", "--keep-last", "1"}, {"backup", backup}, {"sync"}, {"gc"}, {"backup", backup}} {
				code, _, said := b.run(command...)
				if command[0] != "sync" && (code != exitDamage || !strings.Contains(said, "tags/"+tag+".json")) {
					t.Errorf("%v: exit %d, want %d and the file of the tag\n%s", command, code, exitDamage, said)
				}
				for _, f := range on.Files {
					if _, err := os.Stat(filepath.Join(b.dir, "lake", f.Path)); err != nil {
						t.Fatalf("%v has removed a file of the tag: %v", command, err)
					}
					if _, err := os.Stat(filepath.Join(backup, "lake", f.Path)); err != nil {
						t.Fatalf("%v has removed a file of the tag from the backup: %v", command, err)
					}
				}
				if kept, err := os.ReadFile(filepath.Join(backup, "lake/tags", tag+".json")); err != nil || string(kept) != string(good) {
					t.Fatalf("%v has put an older tag in the place of the backup's, %v", command, err)
				}
			}
			b.must("repair")
			b.must("verify")
			b.must("gc", "--keep-last", "1")
			b.must("backup", backup)
			if after := b.must("metrics", "--snapshot", tag, "--csv"); after != before {
				t.Error("the metrics are not what they were")
			}
			if now, err := os.ReadFile(file); err != nil || string(now) != string(good) {
				t.Errorf("the tag is\n%s, want\n%s", now, good)
			}
		})
	}
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
)

// The manifest of a tagged snapshot is lost or damaged: whatever runs meanwhile, its data
// files stay, each look at the lake says what to do, the backup keeps what it has, and the
// study goes on. The manifest put back is the snapshot as it was; without one the tag can be
// dropped.
func TestLostManifestOfTag(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 6, Participants: 3, Days: 4, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.Edit | dexsim.Late}})
	b.now = demoNow.AddDate(0, 0, -2)
	b.must("backfill")
	b.must("snapshots", "tag", "first", "--reason", "a paper")
	b.must("withdraw", "P003", "--erase", "--reason", "asked to", "--yes")
	b.now = demoNow.AddDate(0, 0, -1)
	b.must("sync")
	b.must("snapshots", "tag", "second", "--reason", "another")
	b.now = demoNow
	b.must("sync")
	backup := filepath.Join(t.TempDir(), "backup")
	b.must("backup", backup)
	s := b.save()
	for _, c := range [][2]string{{"first", "gone"}, {"second", "cut"}} {
		tag, how := c[0], c[1]
		t.Run(tag+" "+how, func(t *testing.T) {
			s.back(t)
			before := b.must("metrics", "--snapshot", tag, "--csv")
			on := b.tagged(tag)
			manifest := b.oneOf("lake/" + on.ID().Path())
			content, err := os.ReadFile(manifest)
			check(t, err)
			check(t, harms()[how](manifest))
			for _, command := range [][]string{
				{"verify"}, {"gc", "--keep-last", "1"}, {"sync"}, {"snapshots", "tag", "third", "--reason", "one more"}, {"backup", backup},
				{"withdraw", "P002", "--reason", "moved", "--yes"}, {"withdraw", "P001", "--erase", "--reason", "asked to", "--yes"},
				{"repair"}, {"metrics", "--snapshot", tag}, {"gc"}, {"backup", backup}, {"sync"}, {"repair"}, {"verify"},
			} {
				code, _, said := b.run(command...)
				if code != exitDone && (code != exitDamage || !strings.Contains(said, tag) && !strings.Contains(said, on.ID().Path())) {
					t.Errorf("%v: exit %d\n%s", command, code, said)
				}
				if looks := command[0] == "verify" || command[0] == "gc"; looks && code != exitDamage {
					t.Errorf("%v: exit %d, want %d\n%s", command, code, exitDamage, said)
				}
				for _, f := range on.Files {
					if _, err := os.Stat(filepath.Join(b.dir, "lake", f.Path)); err != nil {
						t.Fatalf("%v has removed a file of the tag: %v", command, err)
					}
					if _, err := os.Stat(filepath.Join(backup, "lake", f.Path)); err != nil {
						t.Fatalf("%v has removed a file of the tag from the backup: %v", command, err)
					}
				}
			}
			b.lastResort(tag)
			s.back(t)
			check(t, harms()[how](manifest))
			b.run("repair")
			check(t, os.WriteFile(manifest, content, 0o600))
			b.must("verify")
			b.must("gc", "--keep-last", "1")
			if after := b.must("metrics", "--snapshot", tag, "--csv"); after != before {
				t.Error("the metrics are not what they were")
			}
			b.must("snapshots", "list")
			b.must("repair")
		})
	}
}

// tagged is the manifest of a tag.
func (b *bench) tagged(name string) lake.Manifest {
	b.t.Helper()
	l, _ := b.newest()
	defer l.Close()
	tag, err := l.Tag(name)
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := l.Tagged(tag)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// lastResort drops a tag whose manifest nobody has, as repair advises: the study is sound
// then.
func (b *bench) lastResort(tag string) {
	b.t.Helper()
	code, out, said := b.run("repair", "--json")
	if !json.Valid([]byte(out)) || code != exitDamage || !strings.Contains(said, "snapshots drop "+tag) {
		b.t.Errorf("repair: exit %d, want %d and how to drop the tag\n%s", code, exitDamage, said)
	}
	b.must("snapshots", "drop", tag, "--reason", "its snapshot is lost")
	b.must("repair")
	b.must("verify")
	b.must("gc", "--keep-last", "1")
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// tells runs a command that has to end with a code and to say something.
func (b *bench) tells(code int, words string, command ...string) {
	b.t.Helper()
	got, out, said := b.run(command...)
	if got != code || !strings.Contains(out+said, words) {
		b.t.Errorf("%v: exit %d, want %d and %q\n%s%s", command, got, code, words, out, said)
	}
}

// A new state has a new audit trail. Nothing is collected until somebody accepts that the
// older one is lost; from then on a tag of its time is missed, as any other, and verify ends
// well and goes on to tell of the loss.
func TestOlderTrailIsAcceptedAsLost(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 1, Reusable: true})
	b.must("backfill")
	b.must("snapshots", "tag", "paper-1", "--reason", "for the paper")
	b.must("sync")
	for _, name := range []string{"state/state.db", "state/audit.jsonl"} {
		check(t, os.Remove(b.oneOf(name)))
	}
	b.tells(exitDamage, "repair --accept-loss", "sync")
	check(t, os.WriteFile(filepath.Join(b.dir, "state", "state.db"), nil, 0o600))
	b.must("connect", "--public-key")
	b.must("participants", "import", filepath.Join(filepath.Dir(b.dir), "roster.csv"))
	b.must("replay")
	for _, command := range []string{"verify", "gc", "audit verify"} {
		b.tells(exitDamage, "repair --accept-loss", strings.Fields(command)...)
	}
	b.tells(exitUsage, "--reason", "repair", "--accept-loss")
	b.must("repair", "--accept-loss", "--reason", "the disk died")
	b.tells(exitDone, "the disk died", "verify")
	b.tells(exitDone, `"older": true`, "verify", "--json")
	b.tells(exitDone, "ending with a line that is lost: 2", "audit", "verify")
	b.must("gc", "--keep-last", "1")
	check(t, os.Remove(b.oneOf("lake/tags/paper-1.json")))
	b.tells(exitDamage, "paper-1", "gc", "--keep-last", "1")
	b.tells(exitDamage, "tags/paper-1.json", "verify")
	b.must("repair")
	b.must("verify")
	if seq := b.must("audit", "--subject", "trail"); strings.Count(seq, "the disk died") != 1 {
		t.Errorf("the trail says of its loss:\n%s", seq)
	}
}

// Whatever meets a lost trail names one way out. Afterwards all goes on, and the trail with
// its loss is the one that a restore goes on with.
func TestLostTrailHasOneWayOut(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 1, Reusable: true})
	b.must("backfill")
	backup := filepath.Join(t.TempDir(), "backup")
	b.must("backup", backup)
	b.must("participants", "pause", "P002")
	b.must("snapshots", "tag", "paper-1", "--reason", "for the paper")
	b.must("sync")
	s, trail := b.save(), b.oneOf("state/audit.jsonl")
	for name, lose := range map[string]func(){
		"gone":    func() { check(t, os.Remove(trail)) },
		"emptied": func() { check(t, os.Truncate(trail, 0)) },
		"a folder": func() {
			check(t, os.Remove(trail))
			check(t, os.Mkdir(trail, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			s.back(t)
			lose()
			for _, command := range []string{"participants add P009", "verify", "repair", "gc", "audit verify"} {
				b.tells(exitDamage, "repair --accept-loss", strings.Fields(command)...)
			}
			if name == "a folder" {
				check(t, os.Remove(trail))
			}
			b.must("repair", "--accept-loss", "--reason", "the disk died")
			b.must("participants", "add", "P009")
			b.must("gc", "--keep-last", "1")
			b.tells(exitDone, "the disk died", "verify")
			check(t, os.Remove(b.oneOf("lake/tags/paper-1.json")))
			b.tells(exitDamage, "paper-1", "gc", "--keep-last", "1")
			b.must("repair")
			restored := filepath.Join(t.TempDir(), "restored")
			if code, out, said := b.run("restore", "--trail", trail, backup, restored); code != exitDamage && code != exitDone || !strings.Contains(out+said, "restored") {
				t.Errorf("restore --trail: exit %d\n%s%s", code, out, said)
			}
		})
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// Where lake or trail show that there was a state, no command makes another in its place:
// it ends with exit code 7, and not a byte of the study has changed.
func TestNoStateInThePlaceOfALostOne(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1, Reusable: true})
	b.must("backfill")
	backup := filepath.Join(t.TempDir(), "backup")
	b.must("backup", backup)
	roster, s := b.file("people.csv", "participant_id\nP001\nP009\n"), b.save()
	commands := [][]string{
		{"status"}, {"participants", "import", roster}, {"participants", "add", "P007"}, {"participants", "list"}, {"sync"}, {"backfill"}, {"audit"}, {"audit", "verify"},
		{"connect", "--public-key"}, {"withdraw", "P001", "--reason", "moved", "--yes"}, {"backup", backup}, {"replay"}, {"repair"}, {"gc"}, {"keys", "list"}, {"runs"},
	}
	for name, lose := range map[string]func(){
		"state.db": func() { check(t, os.Remove(b.oneOf("state/state.db"))) },
		"emptied":  func() { check(t, os.Truncate(b.oneOf("state/state.db"), 0)) },
		"with its trail": func() {
			check(t, os.Remove(b.oneOf("state/state.db")))
			check(t, os.Remove(b.oneOf("state/audit.jsonl")))
		},
		"the folder": func() { check(t, os.RemoveAll(filepath.Join(b.dir, "state"))) },
		"without a lake": func() {
			check(t, os.Remove(b.oneOf("state/state.db")))
			check(t, os.RemoveAll(filepath.Join(b.dir, "lake")))
		},
		"never published": func() {
			check(t, os.RemoveAll(filepath.Join(b.dir, "state")))
			check(t, os.RemoveAll(filepath.Join(b.dir, "lake/manifests")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.back(t)
			lose()
			want := contentsOf(t, b.dir)
			for _, command := range commands {
				if code, _, said := b.run(command...); code != exitDamage || !strings.Contains(said, "state.db is gone") || !strings.Contains(said, "backup") {
					t.Errorf("%v: exit %d\n%s", command, code, said)
				}
			}
			if code, out, _ := b.run("doctor"); code != exitDamage || !strings.Contains(out, "is gone, or empty") {
				t.Errorf("doctor: exit %d\n%s", code, out)
			}
			if diff := cmp.Diff(want, contentsOf(t, b.dir)); diff != "" {
				t.Errorf("the study (-before +after):\n%s", diff)
			}
		})
	}
	s.back(t)
	b.t = t
	check(t, os.RemoveAll(filepath.Join(b.dir, "state")))
	check(t, os.MkdirAll(filepath.Join(b.dir, "state"), 0o700))
	check(t, os.WriteFile(filepath.Join(b.dir, "state", "state.db"), nil, 0o600))
	if code, _, said := b.run("participants", "import", roster); code != exitUsage || !strings.Contains(said, "nothing was changed") {
		t.Errorf("import into a new state beside a lake that has another key: exit %d\n%s", code, said)
	}
	if list := b.must("participants", "list"); strings.Contains(list, "P009") {
		t.Errorf("an import that was refused has imported:\n%s", list)
	}
}

// Whoever has lost the state and has no backup begins a new one. Who was erased comes back
// with the roster, and one command erases them again; then the study goes on.
func TestNewStateForgetsNoErasure(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 4, Days: 1, Reusable: true})
	b.must("backfill")
	for _, id := range []string{"P002", "P003"} {
		b.must("withdraw", id, "--erase", "--reason", "asked to", "--yes")
	}
	for _, name := range []string{"state/state.db", "state/audit.jsonl"} {
		check(t, os.Remove(b.oneOf(name)))
	}
	if code, _, said := b.run("sync"); code != exitDamage || !strings.Contains(said, "(withdraw ID --erase): P002, P003") {
		t.Errorf("sync without a state: exit %d, want %d and whom to erase\n%s", code, exitDamage, said)
	}
	check(t, os.WriteFile(filepath.Join(b.dir, "state", "state.db"), nil, 0o600))
	b.must("connect", "--public-key")
	roster := filepath.Join(filepath.Dir(b.dir), "roster.csv")
	if code, _, said := b.run("participants", "import", roster); code != exitDamage || !strings.Contains(said, "withdraw P002 --erase") {
		t.Errorf("import: exit %d, want %d and the erasure as next command\n%s", code, exitDamage, said)
	}
	if code, _, said := b.run("withdraw", "P003", "--erase", "--reason", "again", "--yes"); code != exitDamage || !strings.Contains(said, "withdraw P002 --erase") {
		t.Errorf("the first erasure: exit %d, want %d and the other as next command\n%s", code, exitDamage, said)
	}
	b.must("withdraw", "P002", "--erase", "--reason", "again", "--yes")
	for _, id := range []string{"P001", "P004"} {
		b.env["DEXETL_API_REDIRECT_URI"] = freeRedirect(b.t)
		if code, said := b.signIn(id, id); code != exitDone {
			t.Fatalf("connect: exit %d\n%s", code, said)
		}
	}
	b.must("sync")
	for _, id := range []string{"P002", "P003"} {
		b.must("verify", "--absent", id)
	}
	b.must("verify", "--deep")
}

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A state.db that is older than its audit trail replaces none in a backup. The commands that
// are named make the study whole again: the trail goes on behind its last line, and nothing
// is written twice.
func TestStateOlderThanItsTrail(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	s := b.save()
	withdraw := []string{"withdraw", "P001", "--effective", "2026-04-12", "--reason", "moved", "--yes"}
	for name, test := range map[string]struct {
		change, before []string // made and forgotten; made with the older state
		says           string
	}{
		"withdrawal":     {withdraw, nil, "P001 has withdrawn"},
		"another change": {withdraw, []string{"participants", "pause", "P002"}, "P001 has withdrawn"},
		"a key":          {[]string{"keys", "add", "--name", "clinic", "--scope", "read"}, nil, "next: dexetl repair"},
	} {
		t.Run(name, func(t *testing.T) {
			s.back(t)
			restore := b.backup("state.db")
			b.must(test.change...)
			good, other := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "other")
			b.must("backup", good)
			want := contentsOf(t, good)
			restore()
			if test.before != nil {
				b.must(test.before...)
			}
			code, _, stderr := b.run("backup", good)
			if code != exitDamage || !strings.Contains(stderr, "state.db") || !strings.Contains(stderr, test.says) {
				t.Errorf("backup: exit %d, want %d and %q\n%s", code, exitDamage, test.says, stderr)
			}
			if diff := cmp.Diff(want, contentsOf(t, good)); diff != "" {
				t.Errorf("the backup has changed (-was +is):\n%s", diff)
			}
			if code, _, stderr := b.run("backup", other); code != exitDamage || !strings.Contains(stderr, "state.db") {
				t.Errorf("backup into a new folder: exit %d, want %d\n%s", code, exitDamage, stderr)
			}
			for range 3 {
				if code, _, stderr = b.run("backup", good); code != exitDamage {
					break
				}
				b.must(append(next(t, stderr), "--yes")...)
			}
			for _, command := range [][]string{{"audit", "verify"}, {"sync"}, {"verify"}, {"backup", good}} {
				if code, _, stderr := b.run(command...); code != exitDone {
					t.Errorf("%v in the end: exit %d\n%s", command, code, stderr)
				}
			}
			if lines := b.lines("select count(*) from audit where subject = 'backup' and \"after\" like '%lines_unknown%'"); lines[0] != "1" {
				t.Errorf("%s lines say that state.db was older, want 1", lines[0])
			}
		})
	}
}

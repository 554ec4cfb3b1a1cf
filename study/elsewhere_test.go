//go:build linux || darwin

package study

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A study that was moved has a database that reads where it was: verify says so, and a repair
// makes it anew. It names the trail, too, if that is gone, and does not call that nothing.
func TestRepairMovedStudy(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, nil)
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	if found, err := s.Verify(t.Context(), Verify{}); err != nil || found.Elsewhere != "" || len(found.Damages) > 0 {
		t.Fatalf("before: %q, %v, %v", found.Elsewhere, found.Damages, err)
	}
	was, err := filepath.Abs(filepath.Join(s.LakePath(), "snapshots", "000001"))
	check(t, err)
	to := filepath.Join(t.TempDir(), "moved")
	check(t, os.Rename(s.Dir, to))
	s, err = OpenFolder(to, s.Program)
	check(t, err)
	bare := filepath.Join(t.TempDir(), "bare")
	check(t, os.CopyFS(bare, os.DirFS(to)))
	check(t, errors.Join(os.RemoveAll(filepath.Join(bare, "lake", "snapshots")), os.RemoveAll(filepath.Join(bare, "lake", "latest"))))
	without, err := OpenFolder(bare, s.Program)
	check(t, err)
	var of Verified
	if err := without.verifyLake(t.Context(), Verify{}, &of); err != nil || len(of.Damages) > 0 {
		t.Errorf("a copy without folders: %v, %v", of.Damages, err)
	}
	found, err := s.Verify(t.Context(), Verify{})
	if err != nil || found.Elsewhere != was || len(found.Damages) > 0 {
		t.Errorf("moved: reads %q, %v, %v; want %s", found.Elsewhere, found.Damages, err, was)
	}
	check(t, s.OpenState(t.Context(), state.Author{Who: "test"}))
	t.Cleanup(func() { s.Close() })
	done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Mended) != 1 || !done.Mended[0].Equal || len(done.Left) > 0 {
		t.Errorf("repaired %+v, left %v, %v; want the folder made anew", done.Mended, done.Left, err)
	}
	var after Verified
	check(t, s.verifyLake(t.Context(), Verify{}, &after))
	if after.Elsewhere != "" || len(after.Damages) > 0 {
		t.Errorf("afterwards it reads %q, %v", after.Elsewhere, after.Damages)
	}
	check(t, os.Remove(filepath.Join(s.StatePath(), "audit.jsonl")))
	done, err = s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Left) != 1 || done.Left[0].Kind != StateDamage || done.Left[0].Path != "audit.jsonl" {
		t.Errorf("without the trail: left %v, %v", done.Left, err)
	}
}

// Who is known, where an id stands besides lake and state, and whether an erasure was begun.
func TestAbsentBeside(t *testing.T) {
	s, log, l := erasable(t, nil)
	check(t, errors.Join(l.close(), log.Close()))
	for name, text := range map[string]string{"roster.csv": "participant_id\nP001\n", "other.csv": "P0011\n", "report/P001.html": "x", "report/all.html": "of P001,"} {
		path := filepath.Join(s.Dir, name)
		check(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)))
	}
	a, err := s.Absent(t.Context(), "P001")
	if want := []string{"report/P001.html", "report/all.html", "roster.csv"}; err != nil || !slices.Equal(a.Beside, want) || !a.Known || a.Erased {
		t.Errorf("P001: beside %q, known %v, erased %v, %v; want %q", a.Beside, a.Known, a.Erased, err, want)
	}
	if a, err := s.Absent(t.Context(), "p001"); err != nil || a.Known || len(a.Found)+len(a.Beside) > 0 {
		t.Errorf("p001: %+v, %v", a, err)
	}
}

func TestFoldWords(t *testing.T) {
	older := lake.Manifest{Files: []lake.File{{Table: "egvs"}, {Table: "requests"}, {Table: "rejects"}}}
	today := lake.Manifest{Files: []lake.File{{Table: "egvs"}}}
	for _, tt := range []struct {
		m    lake.Manifest
		c    load.RowCounts
		want bool
	}{
		{older, load.RowCounts{Table: "egvs", Added: 1}, false},
		{older, load.RowCounts{Table: "devices", Added: 1}, true},
		{older, load.RowCounts{Table: "requests", Changed: 1}, true},
		{older, load.RowCounts{Table: "requests", Removed: 1}, false},
		{today, load.RowCounts{Table: "devices", Added: 1}, false},
	} {
		if got := olderRules(tt.m, tt.c); got != tt.want {
			t.Errorf("olderRules(%v, %+v) = %v", tt.m.Outdated(), tt.c, got)
		}
	}
	got := foldWords(load.RowCounts{Added: 13, History: 2})
	if !strings.HasPrefix(got, "13 rows of the raw log are missing") || !strings.Contains(got, "2 rows came") || strings.Contains(got, "0") {
		t.Errorf("%q", got)
	}
}

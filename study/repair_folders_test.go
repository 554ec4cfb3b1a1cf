//go:build linux || darwin

package study

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A replay that brings a file back leaves no folder that has it as it was, and names a file
// that a tagged snapshot alone has, which it cannot make again.
func TestReplayRenewsFolders(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, nil)
	check(t, errors.Join(l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	_, err := s.Tag(t.Context(), "paper", "", "why", 0)
	check(t, err)
	first, err := l.lake.Current()
	check(t, err)
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P009"}))
	check(t, errors.Join(l.lock(t.Context(), 0), l.load(t.Context()), l.publish(t.Context()), l.close(), log.Close()))

	rot(t, filepath.Join(s.LakePath(), first.TableFiles("glucose")[0].Path))
	roster := first.TableFiles("participants")[0].Path
	rot(t, filepath.Join(s.LakePath(), roster))
	done, err := s.Replay(t.Context(), Replay{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Left) != 1 || done.Left[0].Path != roster {
		t.Errorf("left %v, %v; want %s", done.Left, err, roster)
	}
	found, err := s.Verify(t.Context(), Verify{})
	if err != nil || len(found.Damages) != 1 || found.Damages[0].Path != roster {
		t.Errorf("verify finds %v, %v; want %s", found.Damages, err, roster)
	}
}

// Where all folders are gone, one repair makes that of the newest snapshot again, with what
// cites it.
func TestRepairRenewsLostFolders(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, nil)
	check(t, errors.Join(l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	_, err := s.Tag(t.Context(), "paper", "", "why", 0)
	check(t, errors.Join(err, l.close(), log.Close(), os.RemoveAll(filepath.Join(s.LakePath(), "snapshots"))))
	done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Left) > 0 {
		t.Errorf("repair: left %v, %v", done.Left, err)
	}
	found, err := s.Verify(t.Context(), Verify{})
	if err != nil || len(found.Damages) > 0 {
		t.Errorf("after one repair verify finds %v, %v", found.Damages, err)
	}
}

// rot changes a bit of a file under all its names.
func rot(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	check(t, err)
	content[len(content)/2] ^= 4
	check(t, errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, content, 0o600)))
}

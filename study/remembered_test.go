package study

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// Where the lake's copy of the audit trail is damaged, the state must show that it has all
// of it: one that goes on where that ended is believed, one from before is not.
func TestRemembersWithoutTheLakesTrail(t *testing.T) {
	s := open(t, nil)
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001"}))
	log, l := s.startLoading(t)
	appendAnswer(t, log, 0, now, `{"recordType":"calibration","recordVersion":"3.0","userId":"u","records":[]}`)
	check(t, l.load(t.Context()))
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P002"}))
	check(t, s.Remembers(t.Context()))

	m, err := l.lake.Current()
	check(t, err)
	files := m.TableFiles("audit")
	if len(files) != 1 {
		t.Fatalf("%d files of the audit trail, want 1", len(files))
	}
	check(t, os.Truncate(filepath.Join(s.LakePath(), files[0].Path), 10))
	check(t, s.Remembers(t.Context()))

	check(t, s.Close())
	check(t, os.RemoveAll(s.StatePath()))
	if lost, ok := errors.AsType[*LostStateError](s.OpenState(t.Context(), state.Author{Who: "test"})); !ok || lost.Trail {
		t.Fatalf("without a state beside the lake: %v", lost)
	}
	check(t, os.MkdirAll(s.StatePath(), 0o700))
	check(t, os.WriteFile(filepath.Join(s.StatePath(), stateFile), nil, 0o600)) // a new one on purpose
	check(t, s.OpenState(t.Context(), state.Author{Who: "test"}))
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001", Site: "another"}))
	lost, ok := errors.AsType[*LostMemoryError](s.Remembers(t.Context()))
	if !ok || lost.Path != files[0].Path {
		t.Errorf("a state that does not go on where the lake's trail ended: %v, want that %s would tell", lost, files[0].Path)
	}
}

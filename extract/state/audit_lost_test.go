package state

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// Where the file of the trail is gone no other one is begun in silence, and nothing is changed.
// An empty one, put there by hand, goes on behind a gap; and what somebody has just consented to
// is kept all the same.
func TestNoTrailInThePlaceOfALostOne(t *testing.T) {
	s, _ := acted(t, 1)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Remove(s.auditPath()))
	err := s.Audit(t.Context(), Act{Subject: "participant"})
	if lost, ok := errors.AsType[*AuditError](err); !ok || !lost.Lost {
		t.Errorf("a change without the file: %v", err)
	}
	if _, err := os.Stat(s.auditPath()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file was begun: %v", err)
	}
	if seq, _, err := s.Head(t.Context()); seq != 1 || err != nil {
		t.Errorf("the trail goes up to %d, %v, want 1", seq, err)
	}
	check(s.Audit(t.Context(), Act{Subject: "connection"}))
	check(os.Remove(s.auditPath()))
	check(os.WriteFile(s.auditPath(), nil, 0o600))
	check(s.Audit(t.Context(), Act{Subject: "participant"}))
}

package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// olderState opens a state that was copied before later did what it does to s, beside the
// file that s has now.
func olderState(t *testing.T, s *Store, later func()) *Store {
	t.Helper()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(s.vacuumInto(t.Context(), filepath.Join(dir, "state.db")))
	later()
	text, err := os.ReadFile(s.auditPath())
	check(err)
	check(os.WriteFile(filepath.Join(dir, AuditFile), text, 0o600))
	older, err := Open(t.Context(), dir)
	check(err)
	t.Cleanup(func() { _ = older.Close() })
	older.Now, older.By = s.Now, s.By
	return older
}

func act(t *testing.T, s *Store, subject string) {
	t.Helper()
	if err := s.Audit(t.Context(), Act{Subject: subject}); err != nil {
		t.Fatal(err)
	}
}

func isAhead(err error) bool {
	e, ok := errors.AsType[*AuditError](err)
	return ok && e.Ahead
}

// A state that was put back to before lines of its trail goes on behind the last of them,
// and a line says how many it had not. Nothing is written twice, or out of order.
func TestOlderStateGoesOnBehindItsTrail(t *testing.T) {
	for _, subject := range []string{"participant", "connection", LossSubject} {
		s, _ := acted(t, 2)
		older := olderState(t, s, func() { act(t, s, "thing"); act(t, s, "thing") })
		if _, err := older.Trail(t.Context()); !isAhead(err) {
			t.Fatalf("Trail of the older state: %v, want that its file is ahead", err)
		}
		act(t, older, subject)
		act(t, older, "participant")
		lines := trail(t, older)
		if len(lines) != 7 || lines[4].Subject != "backup" || lines[4].After != `{"lines_unknown":2}` || lines[5].Subject != subject || lines[6].Subject != "participant" {
			t.Errorf("%s: the trail goes on as %+v", subject, lines)
		}
	}
}

// What waited for the file when the state was copied is in the newer file already.
func TestOlderStateWithLinesThatWaited(t *testing.T) {
	s, _ := acted(t, 2)
	dieBeforeFile(t, s, Act{Subject: "thing"})
	older := olderState(t, s, func() { trail(t, s); act(t, s, "thing") })
	for range 2 {
		if lines, err := older.Trail(t.Context()); len(lines) != 4 || !isAhead(err) {
			t.Fatalf("Trail: %d lines, %v; want the 4 that the file has, which is ahead", len(lines), err)
		}
	}
	act(t, older, "participant")
	if lines := trail(t, older); len(lines) != 6 {
		t.Errorf("%d lines, want 6", len(lines))
	}
}

// A new state beside a trail that is there does not begin another one in its file.
func TestNewStateGoesOnBehindTrail(t *testing.T) {
	s, _ := newStore(t)
	older := olderState(t, s, func() { act(t, s, "thing"); act(t, s, "thing") })
	act(t, older, "key")
	if lines := trail(t, older); len(lines) != 4 || lines[3].Subject != "key" {
		t.Errorf("the trail goes on as %+v", lines)
	}
}

// A file that is ahead and does not have the state's last line is another trail: the study is
// not changed. What participants do is kept, behind the end of that file.
func TestOlderStateBesideAnotherTrail(t *testing.T) {
	s, _ := acted(t, 2)
	older := olderState(t, s, func() {})
	other := wholeTrail(t, 4)
	if err := os.WriteFile(older.auditPath(), other, 0o600); err != nil {
		t.Fatal(err)
	}
	err := older.Audit(t.Context(), Act{Subject: "participant"})
	if e, ok := errors.AsType[*AuditError](err); !ok || !e.Refused {
		t.Errorf("a change of the study: %v, want that it is refused", err)
	}
	if now, err := os.ReadFile(older.auditPath()); err != nil || string(now) != string(other) {
		t.Errorf("the file was changed: %v", err)
	}
	act(t, older, "connection")
	for _, l := range trail(t, older)[4:] {
		if l.Subject != "backup" && l.Subject != "connection" {
			t.Errorf("line %d is %s %s", l.Seq, l.Subject, l.After)
		}
	}
}

package cohort

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time      { return c.t }
func (c *clock) add(d time.Duration) { c.t = c.t.Add(d) }

func newStore(t *testing.T) (*Cohort, *clock) {
	t.Helper()
	c, s := &clock{time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}, openIn(t, t.TempDir())
	s.Store.Now = c.now
	return s, c
}

func openIn(t *testing.T, dir string) *Cohort {
	t.Helper()
	s, err := state.Open(context.Background(), dir)
	if err != nil {
		t.Fatalf("Open(%q) = %v", dir, err)
	}
	t.Cleanup(func() { s.Close() })
	return &Cohort{s}
}

func addAll(t *testing.T, s *Cohort, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.AddParticipant(context.Background(), Participant{ID: id}); err != nil {
			t.Fatalf("AddParticipant(%q) = %v", id, err)
		}
	}
}

// withdraw records w as a withdrawal that ends nothing.
func withdraw(s *Cohort, w Withdrawal) error {
	return s.Store.Change(context.Background(), func(tx *sql.Tx) ([]state.Act, error) {
		w, err := s.Record(context.Background(), tx, w)
		return []state.Act{w.Act(0)}, err
	})
}

func trail(t *testing.T, s *Cohort) []state.AuditLine {
	t.Helper()
	lines, err := s.Store.Trail(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

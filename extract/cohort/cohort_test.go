package cohort

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
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
	c, s := &clock{time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}, openIn(t, newFolder(t))
	s.Store.Now = c.now
	return s, c
}

// newFolder is a folder with a state without rows, which is made once: migrations take
// their time.
func newFolder(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	file, err := blank()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "state.db"), file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var blank = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "blank")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := state.Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "state.db"))
})

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

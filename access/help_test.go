package access

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newStore(t *testing.T) (*state.Store, *clock) {
	t.Helper()
	c := &clock{t: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
	return openAgain(t, filepath.Join(t.TempDir(), "state"), c), c
}

// openAgain opens a state as another process does.
func openAgain(t *testing.T, dir string, c *clock) *state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Now, s.By = c.now, state.Author{Who: "anna@lab", Command: "keys"}
	return s
}

func addPeople(t *testing.T, s *state.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		err := s.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec(`insert into participants values (?, '', '', '', '', '', '', '', '', '', '', '', 0)`, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func mustAdd(t *testing.T, ks Keys, name string, r Rights) (Secret, Key) {
	t.Helper()
	secret, k, err := ks.Add(t.Context(), name, r)
	if err != nil {
		t.Fatalf("Add(%q) = %v", name, err)
	}
	return secret, k
}

func mustKeys(t *testing.T, ks Keys) []Key {
	t.Helper()
	keys, err := ks.List(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// Whoever reads sequences gets everybody's in order, learns that the context has ended, as
// nobody may take some for all, and may stop at any.
func TestSequencesEnd(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	var m lake.Manifest
	var participants []string
	for i := range 9 { // more than are asked for at first
		participants = append(participants, fmt.Sprintf("P%03d", i))
		m = commit(t, l, participants[i], i+1)
	}
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, c := range map[string]struct {
		cancelAt, stopAt, want int
		err                    error
	}{
		"all":       {cancelAt: -1, stopAt: -1, want: 9},
		"stopped":   {cancelAt: -1, stopAt: 2, want: 3},
		"cancelled": {cancelAt: 2, stopAt: -1, want: 4, err: context.Canceled}, // at the end of what was asked for first
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				n := 0
				var failed error
				for s, err := range Sequences(ctx, db, participants, views.Selection{}.Readings) {
					if failed = err; err != nil {
						continue
					}
					if s.ParticipantID != participants[n] || len(s.Readings) != n+1 {
						t.Errorf("place %d has %d readings of %s", n, len(s.Readings), s.ParticipantID)
					}
					if n == c.cancelAt || n == c.stopAt {
						synctest.Wait() // all others are there, and nobody takes them
					}
					if n == c.cancelAt {
						cancel()
					}
					if n++; n > c.stopAt && c.stopAt >= 0 {
						break
					}
				}
				if !errors.Is(failed, c.err) || n != c.want {
					t.Errorf("%d sequences, then %v, want %d and %v", n, failed, c.want, c.err)
				}
			})
		})
	}
}

// What the driver says of a statement that was broken off is not why: the context has ended.
func TestSequencesBrokenOff(t *testing.T) {
	t.Parallel()
	for range 20 { // whoever reads may learn either first
		ctx, cancel := context.WithCancel(t.Context())
		db := sql.OpenDB(brokenOff{cancel})
		var failed error
		for _, err := range Sequences(ctx, db, []string{"P001"}, views.Selection{}.Readings) {
			failed = err
		}
		if !errors.Is(failed, context.Canceled) {
			t.Errorf("it ends with %v, want %v", failed, context.Canceled)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// brokenOff is a database whose context ends while it prepares a statement.
type brokenOff struct{ end func() }

func (b brokenOff) Connect(context.Context) (driver.Conn, error) { return b, nil }
func (b brokenOff) Driver() driver.Driver                        { return nil }
func (b brokenOff) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (b brokenOff) Close() error                                 { return nil }
func (b brokenOff) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }

func (b brokenOff) PrepareContext(context.Context, string) (driver.Stmt, error) {
	b.end()
	return nil, errors.New("interrupted")
}

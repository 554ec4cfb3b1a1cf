//go:build linux || darwin

package snapshot

import (
	"context"
	"errors"
	"fmt"
	"testing"

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
		cancelAt, stopAt, most int
		want                   error
	}{
		"all":       {cancelAt: -1, stopAt: -1, most: 9},
		"stopped":   {cancelAt: -1, stopAt: 5, most: 6},
		"cancelled": {cancelAt: 2, stopAt: -1, most: 9, want: context.Canceled},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var failed error
		for s, err := range Sequences(ctx, db, participants, views.Selection{}.Readings) {
			if failed = err; err != nil {
				continue
			}
			if s.ParticipantID != participants[n] || len(s.Readings) != n+1 {
				t.Errorf("%s: place %d has %d readings of %s", name, n, len(s.Readings), s.ParticipantID)
			}
			if n == c.cancelAt {
				cancel()
			}
			n++
			if n > c.stopAt && c.stopAt >= 0 {
				break
			}
		}
		cancel()
		if !errors.Is(failed, c.want) || n > c.most || c.want == nil && n < c.most {
			t.Errorf("%s: %d sequences, then %v, want %d and %v", name, n, failed, c.most, c.want)
		}
	}
}

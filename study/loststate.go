package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// A LostStateError says that there was a state, and that its file is gone.
type LostStateError struct {
	Path  string // of state.db
	Trace string // what shows it: a file or folder
	Trail bool   // Trace is the audit trail: no other state can go on with it

	Erased []string // participants who were erased, by the receipts that are left
}

func (e *LostStateError) Error() string {
	what := "the lake has what was loaded with it"
	if e.Trail {
		what = "its audit trail is there"
	}
	return fmt.Sprintf("%s is gone, or empty: %s (%s); nothing was written", e.Path, what, e.Trace)
}

// lostState is a *LostStateError where no new state may be made: one was there, by what it
// has left. An empty file, put there by hand, is a new state on purpose beside a lake, but
// not beside a trail, which would go on with numbers that it has already. Beside a lake in
// another folder it is a *ForeignLakeError.
func (s *Study) lostState() error {
	path := filepath.Join(s.StatePath(), stateFile)
	info, err := os.Stat(path)
	gone := errors.Is(err, fs.ErrNotExist)
	if !gone && (err != nil || info.Size() > 0) {
		return nil
	}
	trail := filepath.Join(s.StatePath(), state.AuditFile)
	if info, err := os.Stat(trail); err == nil && info.Size() > 0 {
		return &LostStateError{path, trail, true, s.erasedByReceipts()}
	}
	if !gone {
		return nil
	}
	if below, err := filepath.Rel(s.Dir, s.LakePath()); err != nil || !filepath.IsLocal(below) {
		if found, _ := fs.Glob(os.DirFS(s.LakePath()), "manifests/[^.]*"); len(found) > 0 {
			return &ForeignLakeError{s.LakePath(), true} // a lake elsewhere may be anybody's
		}
	}
	for _, trace := range []string{"manifests/[^.]*", "raw/[0-9]*", "data/[^.]*", "snapshots/[^.]*", "latest"} {
		if found, _ := fs.Glob(os.DirFS(s.LakePath()), trace); len(found) > 0 {
			return &LostStateError{path, filepath.Join(s.LakePath(), found[0]), false, s.erasedByReceipts()}
		}
	}
	return nil
}

// erasedByReceipts are the participants of whose erasure there is a receipt.
func (s *Study) erasedByReceipts() (ids []string) {
	found, _ := fs.Glob(os.DirFS(s.StatePath()), "receipts/*.json")
	for _, name := range found {
		if id, ok := participantOfReceipt(name); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// OwnsLake is a *ForeignLakeError if the lake is another study's: whoever changes the study
// asks first.
func (s *Study) OwnsLake(ctx context.Context) error {
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) || is[*lake.DamageError](err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := s.sameKey(ctx, l, m); is[*ForeignLakeError](err) {
		return err
	}
	return nil
}

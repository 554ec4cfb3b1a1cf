package study

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
)

// What holds while the state has forgotten what audit trail or lake know, because it came
// from an older backup:
//
//	nobody is asked for anything, or let in     Remembers, EditedRows
//	nothing is exported, reported or cited      MayHandOver
//	the log is not folded anew                  mayFold
//	the API shows nothing of those concerned    Unremembered
//
// What mends it goes on: withdrawals, imports and whatever changes the roster. So does what
// only reads on this machine, or removes: query, metrics, verify, gc, backup.

// MayHandOver makes sure, before data leave the study, that the state knows whoever has
// withdrawn or was erased, and all else that lake and trail know. It needs no key. Rows of
// the roster that were edited keep no data back. A newest manifest that cannot be read is
// the error: nobody knows what it had.
func (s *Study) MayHandOver(ctx context.Context) error {
	err := s.recalls(ctx)
	if e, ok := errors.AsType[*ForgottenError](err); ok && e.onlyRows() {
		return nil
	}
	return err
}

// mayFold is MayHandOver for who folds the log anew, which mends what of the lake cannot be
// read.
func (s *Study) mayFold(ctx context.Context) error {
	err := s.MayHandOver(ctx)
	if is[*LostMemoryError](err) {
		return nil
	}
	return undamaged(err)
}

// Unremembered are people of whom nothing may be shown, because the state has forgotten
// something about them.
type Unremembered struct {
	IDs    []string // all of them, in order
	Erased []string // of them, who were erased
	Err    error    // *ForgottenError, *load.ForgottenWithdrawalError; nil: nothing is forgotten
}

// A recollection is what was found when state, trail and lake were these.
type recollection struct {
	seq         int64
	hash        string
	trail, lake time.Time
	Unremembered
}

// An UnsureError says why nobody can tell of whom the state has forgotten something.
type UnsureError struct{ Err error }

func (e *UnsureError) Error() string { return e.Err.Error() }

func (e *UnsureError) Unwrap() error { return e.Err }

// Unremembered is for who asks often: it looks again when the trail or the lake is another
// one. Where nobody can tell whom it is about, the error is an *UnsureError.
func (s *Study) Unremembered(ctx context.Context) (Unremembered, error) {
	now, err := s.recollection(ctx)
	if err != nil {
		return Unremembered{}, err
	}
	if was := s.recollected.Load(); was != nil && was.seq == now.seq && was.hash == now.hash && was.trail.Equal(now.trail) && was.lake.Equal(now.lake) {
		return was.Unremembered, nil
	}
	list, unread := s.recalled(ctx)
	switch {
	case unread == nil, is[*load.ForgottenWithdrawalError](unread):
	case IsDamage(unread), is[*LostMemoryError](unread), is[*ForeignLakeError](unread):
		return Unremembered{}, &UnsureError{unread}
	default:
		return Unremembered{}, unread
	}
	now.Unremembered = unremembered(list)
	if now.Err == nil {
		now.Err = unread // the lake itself shows no more of them than it may
	}
	s.recollected.Store(&now)
	return now.Unremembered, nil
}

// recollection has what state, trail and lake are known by.
func (s *Study) recollection(ctx context.Context) (r recollection, err error) {
	if r.seq, r.hash, err = s.Store.Head(ctx); err != nil {
		return r, err
	}
	for path, at := range map[string]*time.Time{
		filepath.Join(s.StatePath(), state.AuditFile): &r.trail, filepath.Join(s.LakePath(), "manifests"): &r.lake,
	} {
		if info, err := os.Stat(path); err == nil { // else it is gone, which is a time, too
			*at = info.ModTime()
		}
	}
	return r, nil
}

// unremembered are those in a list of whom something is forgotten that data depend on: that
// they left, or how the roster has them.
func unremembered(list []cohort.Forgotten) (u Unremembered) {
	if e := (&ForgottenError{list}); len(list) > 0 && !e.onlyRows() {
		u.Err = e
	}
	for _, f := range list {
		switch f.Subject {
		case state.ErasureSubject:
			u.Erased = append(u.Erased, f.ParticipantID)
		case "withdrawal":
		case "participant":
			if f.Edited && !f.Deleted {
				continue
			}
		default:
			continue
		}
		u.IDs = append(u.IDs, f.ParticipantID)
	}
	slices.Sort(u.IDs)
	u.IDs = slices.Compact(u.IDs)
	return u
}

package study

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
)

// stateFile is the database of the state, in its folder.
const stateFile = "state.db"

// verifyState looks at a copy of the state: its file, the audit trail, and whether both
// are those that the lake goes with. With it the log can be folded anew.
func (s *Study) verifyState(ctx context.Context, v Verify, done *Verified) (err error) {
	note := s.stateNote(done)
	s.noteMisplaced(note)
	if s.unopenable() != nil {
		return nil
	}
	if err := s.lostState(); is[*LostStateError](err) {
		note(stateFile, err)
		return nil
	}
	if _, err := os.Stat(filepath.Join(s.StatePath(), stateFile)); errors.Is(err, fs.ErrNotExist) {
		if done.Newest.Snapshot > 0 {
			note(stateFile, err)
		}
		return nil
	}
	if err := state.CheckPages(s.StatePath()); is[*state.DamageError](err) {
		note(stateFile, err)
		return nil
	} else if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "dexetl-verify-")
	if err != nil {
		return err
	}
	err = s.OpenCopy(ctx, folder)
	defer func() { err = errors.Join(err, s.Close(), os.RemoveAll(folder)) }()
	if is[*state.DamageError](err) {
		note(stateFile, err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.verifyOpen(ctx, done); err != nil || done.Has(StateDamage) || !v.Deep {
		return err
	}
	return s.verifyFold(ctx, v, done)
}

// stateNote notes damage of the state, without the path of a copy that was looked at.
func (s *Study) stateNote(done *Verified) func(path string, err error) {
	return func(path string, err error) {
		for e, ok := errors.AsType[*state.DamageError](err); ok; e, ok = errors.AsType[*state.DamageError](err) {
			err = e.Err
		}
		if e, ok := errors.AsType[*state.AuditError](err); ok {
			e.Path = filepath.Join(s.StatePath(), state.AuditFile)
		}
		known := is[*durable.KindError](err) && slices.ContainsFunc(done.Damages, func(d Damage) bool { return d.Kind == StateDamage && d.Path == path })
		if !known {
			done.Damages = append(done.Damages, Damage{Kind: StateDamage, Path: path, Err: err})
		}
	}
}

// verifyOpen looks at the state that is open.
func (s *Study) verifyOpen(ctx context.Context, done *Verified) error {
	note := s.stateNote(done)
	found, err := s.Store.Check(ctx)
	for _, one := range found {
		note(stateFile, one)
	}
	if err != nil || len(found) > 0 {
		return err
	}
	if err := s.verifyWhatItSays(ctx, done, note); err != nil {
		return err
	}
	return s.heedErasures(ctx, done)
}

// heedErasures notes whose erasure is not finished: that the log has answers which the tables
// say were erased is no damage then.
func (s *Study) heedErasures(ctx context.Context, done *Verified) (err error) {
	if done.Erasing, err = s.Erasing(ctx); err != nil || len(done.Erasing) == 0 {
		return err
	}
	done.Damages = slices.DeleteFunc(done.Damages, func(d Damage) bool {
		e, ok := errors.AsType[*load.LogError](d.Err)
		return ok && e.Unerased
	})
	return nil
}

// verifyWhatItSays holds the state against the audit trail, the lake and its own seals.
func (s *Study) verifyWhatItSays(ctx context.Context, done *Verified, note func(string, error)) error {
	trail, err := s.Store.Trail(ctx)
	done.Lost = state.Losses(trail)
	if err == nil {
		_, err = s.HoldSnapshots(ctx)
	}
	if err := errors.Join(s.verifyTags(ctx, trail, done), s.verifyPapers(ctx, trail, note)); err != nil {
		return err
	}
	if is[*state.AuditError](err) || is[*TrailError](err) {
		note(state.AuditFile, err)
	} else if err != nil && !IsDamage(err) { // of the lake it was found already
		return err
	}
	err = s.Remembers(ctx)
	if isLostMemory(err) {
		note(stateFile, err)
	} else if err != nil && !IsDamage(err) && !is[*state.AuditError](err) {
		return err
	}
	disowned, err := s.Consents.Disowned(ctx)
	for _, e := range disowned {
		note(stateFile, e)
	}
	if is[*state.DamageError](err) || is[*cohort.RowError](err) {
		note(stateFile, err)
		return nil
	}
	return errors.Join(err, s.verifyKey(ctx, note))
}

// LostMemory is what the state does not know of all that lake and audit trail do, or why it is
// not the one that they go with; nil: it is as new as they are. Damage of the lake is no such
// harm. It needs no key.
func (s *Study) LostMemory(ctx context.Context) (harm, err error) {
	if err = s.recalls(ctx); isLostMemory(err) {
		return err, nil
	}
	if err != nil && !IsDamage(err) {
		return nil, err
	}
	_, err = s.Store.Trail(ctx)
	if e, ok := errors.AsType[*state.AuditError](err); ok && e.Ahead {
		return err, nil
	} else if ok {
		err = nil
	}
	return nil, err
}

// isLostMemory reports whether err says that the state is not the one that lake and trail
// go with, or that rows of it cannot be believed.
func isLostMemory(err error) bool {
	return is[*ForgottenError](err) || is[*LostMemoryError](err) || is[*ExchangedError](err) || is[*load.ForgottenWithdrawalError](err) ||
		is[*ForeignLakeError](err) || is[*cohort.RowError](err) || is[*state.DamageError](err) || is[*consent.OwnerError](err) ||
		errors.Is(err, consent.ErrSealsLost) || errors.Is(err, consent.ErrSealsUnknown)
}

package study

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A Replay makes the tables anew from the raw log.
type Replay struct {
	DryRun   bool
	toLake   bool // no more answers than the newest snapshot has
	LockWait time.Duration
	ExitCode func(error) int // with which the run is kept
}

// A Replayed is what a replay did.
type Replayed struct {
	load.Result
	load.Difference
	Before, Snapshot int64 // equal after a dry run
	Fresh            int   // answers that were not in the lake before
	// Left are data files of the snapshot before and of tagged ones that are damaged still.
	Left []*lake.DamageError
	Took time.Duration
}

// Replay folds, compares and, unless it is a dry run, adopts and keeps a row of
// the run.
func (s *Study) Replay(ctx context.Context, r Replay) (done Replayed, err error) {
	if _, err := os.Stat(s.RawPath()); errors.Is(err, fs.ErrNotExist) {
		return done, s.NoLog()
	}
	if r.DryRun {
		erasing, err := s.Erasing(ctx)
		if err != nil {
			return done, err
		}
		if len(erasing) > 0 { // the log may be without them, and the tables not yet
			s.Tell(Fact{Kind: ErasureBegun, Participants: erasing})
		}
		return s.replayAs(ctx, r, "")
	}
	if err := s.mayFold(ctx); err != nil {
		return done, err
	}
	run, err := s.Store.StartRun(ctx, "replay", "", s.Version)
	if err != nil {
		return done, err
	}
	done, err = s.replayAs(ctx, r, run.ID)
	return done, s.withRoom(errors.Join(err, s.Store.EndRun(context.WithoutCancel(ctx), run.ID, r.ExitCode(err), 0, 0)))
}

func (s *Study) replayAs(ctx context.Context, r Replay, runID string) (done Replayed, err error) {
	err = s.withLoading(runID, func(l *loading) (err error) {
		if err := l.takeAnyhow(ctx, r.LockWait); err != nil {
			return err
		}
		if !r.DryRun {
			if err := l.finishErasures(ctx); err != nil {
				return err
			}
		}
		erasing, err := s.Erasing(ctx)
		if err != nil {
			return err
		}
		l.fold.ToSnapshot, l.fold.Erasing = r.toLake, len(erasing) > 0
		if done, err = l.replay(ctx, r.DryRun); err == nil && !r.DryRun {
			done.Left, err = l.renewLinks(ctx, done.Before)
		}
		return errors.Join(err, l.unerased)
	})
	return done, err
}

func (l *loading) replay(ctx context.Context, dryRun bool) (done Replayed, err error) {
	began := time.Now()
	study, err := l.study.tables(ctx)
	if err != nil {
		return done, err
	}
	end := l.study.Busy(FoldingAnew)
	r, err := l.fold.Replay(ctx, study, l.runID)
	end()
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Before.Snapshot == 0 && r.New == 0 {
		return done, l.study.emptyLake()
	}
	done.Result, done.Before, done.Snapshot, done.Fresh = r.Result, r.Before.Snapshot, r.Before.Snapshot, r.New
	end = l.study.Busy(Comparing)
	done.Difference, err = r.Diff(ctx)
	end()
	if err != nil || dryRun {
		done.Took = time.Since(began)
		return done, err
	}
	m, err := r.Adopt(ctx)
	if err != nil {
		return done, err
	}
	done.Snapshot, done.Took = m.Snapshot, time.Since(began)
	err = l.publish(ctx)
	if err == nil && l.late {
		err = l.finishErasures(ctx)
	}
	return done, err
}

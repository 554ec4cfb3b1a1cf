package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/dexetl/dexetl/load/lake"
)

// A Replay is the raw log folded anew from its beginning, beside the lake that
// it may replace.
type Replay struct {
	Result               // of the fold
	Before lake.Manifest // the lake as it is; zero: nothing was loaded yet
	New    int           // answers that it does not have yet

	loader  *Loader
	study   Study
	runID   string
	scratch *lake.Scratch
	after   lake.Manifest // of the scratch lake
}

// Replay folds the whole log, and study, into a scratch lake inside the lake,
// which itself stays as it is until Adopt. It reads no data file of the lake
// but those of the table requests, to make sure that the log holds whatever
// the lake was made from: else it returns a *LogError or a *raw.DamageError; and
// that of withdrawals, of which study must have forgotten none.
// The caller holds the load lock, and closes the replay.
func (l *Loader) Replay(ctx context.Context, study Study, runID string) (_ *Replay, err error) {
	l = l.withDefaults()
	l.learn(study)
	r := &Replay{loader: l, study: study, runID: runID}
	if r.Before, err = l.Lake.Current(); err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	if err = r.Before.Writable(); err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	if r.New, err = l.checkLog(ctx, r.Before); err != nil {
		return nil, err
	}
	if err = l.remembersWithdrawals(ctx, study, r.Before); err != nil {
		return nil, err
	}
	if l.ToSnapshot {
		if study, err = l.asHeld(ctx, study, r.Before); err != nil {
			return nil, err
		}
		r.study = study
	}
	if r.scratch, err = l.Lake.Scratch(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	fold := *l
	fold.Lake, fold.Quarantine, fold.Committed = r.scratch.Lake, nil, nil // Adopt fills them
	if l.ToSnapshot {
		fold.part.until = r.Before.LogPosition
	}
	if r.Result, err = fold.Load(ctx, study, runID); err != nil {
		return nil, err
	}
	r.after, err = r.scratch.Current()
	return r, err
}

// Diff compares the lake as it is with what the replay made of the log. It must
// come before Adopt, which takes the files away.
func (r *Replay) Diff(ctx context.Context) (Difference, error) {
	return Diff(ctx, Side{r.loader.Lake, r.Before}, Side{r.scratch.Lake, r.after})
}

// Adopt makes what was folded the next snapshot of the lake, with one commit.
// What withdrawals left out goes to the quarantine first, of everybody in one
// pass over the log. Files that did not change are shared.
func (r *Replay) Adopt(ctx context.Context) (lake.Manifest, error) {
	var withdrawn []string
	for _, w := range r.study.Withdrawals {
		withdrawn = append(withdrawn, w.ParticipantID)
	}
	if err := r.loader.seal(ctx, partOf(withdrawn, r.after.LogPosition), r.scratch); err != nil {
		return lake.Manifest{}, fmt.Errorf("withdrawals: %w", err)
	}
	c := r.loader.Lake.Begin(r.Before)
	if err := c.Adopt(ctx, r.scratch, r.after); err != nil {
		return lake.Manifest{}, fmt.Errorf("adopt: %w", err)
	}
	return c.Finish(ctx, lake.Manifest{
		CreatedAt: r.loader.Now().UTC(), Run: r.runID, Program: r.loader.Program,
		LogPosition: r.after.LogPosition, Borders: r.after.Borders, Tables: r.after.Tables, Held: r.after.Held,
	})
}

// Close removes the scratch lake.
func (r *Replay) Close() error { return r.scratch.Close() }

package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/transform"
)

// Answers are folded into the lake while more are being fetched: so often, or
// when so many bytes have arrived, about 256 MB of them decompressed.
const (
	commitEvery = 30 * time.Second
	commitBytes = 24 << 20
)

// renewEvery is how often latest is renewed while there are commits.
const renewEvery = 10 * time.Minute

// A loading folds the raw log into the lake, if this process can have the load
// lock. Without it this process only fetches, and whoever holds the lock loads.
type loading struct {
	study *Study
	lake  *lake.Lake
	fold  *load.Loader
	runID string

	guard    *lake.Guard  // nil while another process holds the lock
	arrived  atomic.Int64 // bytes received by this run so far
	total    load.Result
	shown    int64                       // the snapshot that latest is
	renewed  time.Time                   // when it was made so
	late     bool                        // an answer came of somebody who was erased
	unerased error                       // why erasures are not done, as far as it is damage; nil: they are
	ended    func(load.Result) state.Run // this run, as the lake is to have it, by what was loaded; nil: as the state has it
}

func (s *Study) newLoading(ctx context.Context, log *raw.Log, runID string) (*loading, error) {
	loading, err := s.openLoading(log, runID)
	if err != nil {
		return nil, err
	}
	if err := loading.lock(ctx, 0); err != nil && !is[*lake.LockedError](err) {
		return nil, errors.Join(err, loading.close())
	}
	return loading, nil
}

// openLoading is newLoading without the lock.
func (s *Study) openLoading(log *raw.Log, runID string) (*loading, error) {
	l, err := lake.Open(s.LakePath())
	if err != nil {
		return nil, err
	}
	l.Now = s.Now
	loading := &loading{
		study: s, lake: l, runID: runID, renewed: s.Now(),
		fold:  &load.Loader{Lake: l, Log: log, Now: s.Now, Logger: s.Logger, Program: s.Version, Quarantine: s.quarantine()},
		total: load.Result{Tables: make(map[string]load.Counts)},
	}
	loading.fold.Committed, loading.fold.Late = loading.renew, loading.lateAnswers
	return loading, nil
}

// withLoading opens log and lake for do, and closes them, which releases the load lock.
func (s *Study) withLoading(runID string, do func(*loading) error) error {
	log, err := raw.Open(s.RawPath())
	if err != nil {
		return err
	}
	defer log.Close()
	l, err := s.openLoading(log, runID)
	if err != nil {
		return err
	}
	return errors.Join(do(l), l.close())
}

// takeAnyhow takes the load lock for who mends the lake: also if the file is damaged that
// says whose it is.
func (l *loading) takeAnyhow(ctx context.Context, wait time.Duration) error {
	if err := l.take(ctx, wait); err != nil {
		return err
	}
	return undamaged(l.study.sameStudy(ctx, l.lake))
}

// renew shows a commit in the middle of a long run.
func (l *loading) renew(ctx context.Context, m lake.Manifest) {
	if l.guard == nil || l.study.Now().Sub(l.renewed) < renewEvery {
		return
	}
	if err := l.show(context.WithoutCancel(ctx), m); err != nil {
		l.study.Logger.Warn("latest is put off to the end of the run", "error", err)
	}
}

// take takes the load lock.
func (l *loading) take(ctx context.Context, wait time.Duration) (err error) {
	l.guard, err = l.lake.Lock(ctx, wait, l.holder())
	return err
}

func (l *loading) holder() lake.Holder {
	return lake.Holder{PID: os.Getpid(), Command: strings.Join(os.Args, " "), Since: l.study.Now()}
}

// lock takes the load lock and repairs what a crash left of the snapshot.
func (l *loading) lock(ctx context.Context, wait time.Duration) error {
	if l.guard != nil {
		return nil
	}
	if err := l.take(ctx, wait); err != nil {
		return err
	}
	if err := l.study.sameStudy(ctx, l.lake); err != nil {
		return err
	}
	if err := l.finishErasures(ctx); err != nil {
		return err
	}
	m, err := l.lake.Current()
	if err != nil {
		return err
	}
	return l.show(ctx, m)
}

// checkLog makes sure that what is fetched can be loaded.
func (l *loading) checkLog() error {
	m, err := l.lake.Current()
	if err != nil {
		return err
	}
	return CheckLog(l.fold.Log, m)
}

func (l *loading) close() error {
	var err error
	if l.guard != nil {
		err = l.guard.Unlock()
	}
	return errors.Join(err, l.lake.Close())
}

// alongside folds now and then until the function returned is called, which
// waits for the commit in hand. What goes wrong is left to finish, which does
// the same work and reports.
func (l *loading) alongside(ctx context.Context) (stop func()) {
	if l.guard == nil {
		return func() {}
	}
	stopped := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() { l.foldNowAndThen(ctx, stopped) })
	return func() { close(stopped); done.Wait() }
}

// foldNowAndThen folds until it is stopped, which lets the commit in hand be made,
// or ctx ends, which does not.
func (l *loading) foldNowAndThen(ctx context.Context, stopped <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, folded := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopped:
			return
		case <-tick.C:
		}
		arrived := l.arrived.Load()
		if arrived == folded || arrived-folded < commitBytes && time.Since(last) < commitEvery {
			continue
		}
		if err := l.load(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			l.study.Logger.Warn("loading is put off to the end of the run", "error", err)
			return
		}
		last, folded = time.Now(), arrived
	}
}

// finish folds what is left and publishes the snapshot. If another process
// loads, it is waited for.
func (l *loading) finish(ctx context.Context, wait time.Duration) (load.Result, error) {
	err := l.lock(ctx, 0)
	if is[*lake.LockedError](err) && wait > 0 {
		l.study.Tell(Fact{Kind: WaitsForLoad, Err: err, Wait: wait})
		err = l.lock(ctx, wait)
	}
	if err != nil {
		return l.total, err
	}
	defer l.study.Busy(Folding)()
	if err := l.load(ctx); err != nil {
		err = errors.Join(err, l.publish(ctx))
		return l.total, err
	}
	err = errors.Join(l.publish(ctx), l.warnOnce(ctx))
	return l.total, err
}

// Publish makes latest the newest snapshot, as every load does, and the folders of tagged
// ones, for who has brought the lake to another place.
func (s *Study) Publish(ctx context.Context, wait time.Duration) error {
	return s.withLoading("", func(l *loading) error {
		if err := l.lock(ctx, wait); err != nil {
			return err
		}
		return s.vouchAll(ctx, l.lake)
	})
}

// publish shows what is committed, also when the run is being interrupted.
func (l *loading) publish(ctx context.Context) error {
	if l.guard == nil {
		return nil
	}
	m, err := l.lake.Current()
	if err != nil {
		return err
	}
	return l.show(context.WithoutCancel(ctx), m)
}

// show makes latest snapshot m, unless this process has done so: nobody else changes it
// while the lock is held.
func (l *loading) show(ctx context.Context, m lake.Manifest) error {
	if m.Snapshot == l.shown {
		return nil
	}
	harm, err := snapshot.Publish(ctx, l.lake, m, ComputeSpans)
	l.total.Harmed(harm...)
	l.renewed = l.study.Now()
	if err == nil {
		l.shown = m.Snapshot
	}
	return err
}

// NamedWarnings is how many warnings a run names; the next one names others.
const NamedWarnings = 20

// warnOnce leaves only warnings that this study has not had before, and counts what
// there is no room for.
func (l *loading) warnOnce(ctx context.Context) error {
	var fresh []transform.Warning
	for _, w := range l.total.Warnings {
		if len(fresh) == NamedWarnings {
			l.total.Unnamed += w.Count
			continue
		}
		first, err := l.study.Store.FirstSeen(ctx, w.Field, w.Value)
		if err != nil {
			return err
		}
		if first {
			fresh = append(fresh, w)
		}
	}
	l.total.Warnings = fresh
	return nil
}

// load folds what is new. What is found in it may change how the run ends: then
// the lake is told once more.
func (l *loading) load(ctx context.Context) error {
	code, err := l.loadOnce(ctx, false)
	if err == nil && l.ended != nil && l.ended(l.total).ExitCode != code {
		_, err = l.loadOnce(ctx, true)
	}
	if err != nil || !l.late {
		return err
	}
	return l.finishErasures(ctx)
}

// loadOnce folds what is new and returns the exit code with which the run has
// ended, as the lake is told.
func (l *loading) loadOnce(ctx context.Context, runsMatter bool) (code int, err error) {
	study, err := l.study.tables(ctx)
	if err != nil {
		return 0, err
	}
	study.RunsMatter = runsMatter
	if l.ended != nil {
		ended := l.ended(l.total)
		code = ended.ExitCode
		for i, r := range study.Runs {
			if r.ID == ended.ID {
				study.Runs[i] = runRow(ended)
			}
		}
	}
	result, err := l.fold.Load(ctx, study, l.runID)
	l.total.Add(result)
	for _, harm := range result.Recovered {
		l.study.Logger.Warn("a damaged file is back from a snapshot's folder", "file", harm.Path, "error", harm.Err)
	}
	return code, err
}

// compact shortens the raw log, if the study wants that and this process holds
// the load lock. An interruption leaves the rest to the next run: nothing is
// half done, and what the run was for is.
func (l *loading) compact(ctx context.Context) (raw.Compaction, error) {
	if l.study.Config.Lake.Raw != config.CompactRaw || l.guard == nil {
		return raw.Compaction{}, nil
	}
	defer l.study.Busy(Compacting)()
	c := load.Compactor{Lake: l.lake, Log: l.fold.Log, Now: l.study.Now}
	done, err := c.Run(ctx)
	if err != nil && ctx.Err() == nil {
		return done, fmt.Errorf("all answers are in the tables, but: %w", err)
	}
	return done, nil
}

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// replayOptions are the flags of `dexetl replay`.
type replayOptions struct {
	dryRun   bool
	lockWait time.Duration
}

func (p *program) replayCommand() *cli.Command {
	var o replayOptions
	return &cli.Command{
		Name: "replay", Usage: "make the tables anew from the raw log, without an API call, and print the difference",
		Description: "This is how a newer program reaches data that came before it, and how lost or\n" +
			"damaged data files come back. It folds every answer from the first on, with the\n" +
			"roster, windows and exclusions of today, and commits the result as one snapshot.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "print the difference and leave the lake as it is", Destination: &o.dryRun},
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: defaultLockWait, Destination: &o.lockWait},
		},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study) error {
			if _, err := os.Stat(s.rawPath()); errors.Is(err, fs.ErrNotExist) {
				return s.noLog()
			}
			done, err := p.replay(ctx, s, o)
			if errors.Is(err, context.Canceled) {
				return failure(exitInterrupted, sameCommand, "interrupted; the lake is as it was, and a replay starts from the beginning")
			}
			if err != nil {
				return err
			}
			return p.printReplay(done)
		}),
	}
}

// A replayed is what a replay did.
type replayed struct {
	load.Result
	load.Difference
	before, snapshot int64 // equal after a dry run
	fresh            int   // answers that were not in the lake before
	took             time.Duration
}

// replay folds, compares and, unless it is a dry run, adopts and keeps a row of
// the run.
func (p *program) replay(ctx context.Context, s *study, o replayOptions) (done replayed, err error) {
	if o.dryRun {
		return p.replayAs(ctx, s, o, "")
	}
	run, err := s.store.StartRun(ctx, "replay", "", version())
	if err != nil {
		return done, err
	}
	done, err = p.replayAs(ctx, s, o, run.ID)
	return done, errors.Join(err, s.store.EndRun(context.WithoutCancel(ctx), run.ID, codeOf(err), 0, 0))
}

func (p *program) replayAs(ctx context.Context, s *study, o replayOptions, runID string) (done replayed, err error) {
	log, err := raw.Open(s.rawPath())
	if err != nil {
		return done, err
	}
	defer log.Close()
	l, err := p.openLoading(s, log, runID)
	if err != nil {
		return done, err
	}
	defer l.close()
	if err := l.take(ctx, o.lockWait); err != nil {
		return done, err
	}
	// A damaged file is what a replay is for, also if it is the one that names the study.
	if err := l.sameStudy(ctx); err != nil && !as[*lake.DamageError](err) {
		return done, err
	}
	return l.replay(ctx, o.dryRun)
}

func (l *loading) replay(ctx context.Context, dryRun bool) (done replayed, err error) {
	began := time.Now()
	study, err := l.study.tables(ctx)
	if err != nil {
		return done, err
	}
	stop := l.p.spin("folding the raw log")
	r, err := l.fold.Replay(ctx, study, l.runID)
	stop()
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Before.Snapshot == 0 && r.New == 0 {
		return done, l.study.emptyLake()
	}
	done.Result, done.before, done.snapshot, done.fresh = r.Result, r.Before.Snapshot, r.Before.Snapshot, r.New
	stop = l.p.spin("comparing")
	done.Difference, err = r.Diff(ctx)
	stop()
	if err != nil || dryRun {
		done.took = time.Since(began)
		return done, err
	}
	m, err := r.Adopt(ctx)
	if err != nil {
		return done, err
	}
	done.snapshot, done.took = m.Snapshot, time.Since(began)
	return done, l.publish(ctx)
}

// printReplay tells what a replay did and what is different now.
func (p *program) printReplay(r replayed) error {
	dryRun := r.snapshot == r.before
	if p.flags.json {
		fields := differenceFields(r.Difference)
		for name, value := range map[string]any{
			"snapshot": r.snapshot, "parent": r.before, "dry_run": dryRun, "answers": r.Applied + r.Held, "held": r.Held, "new_answers": r.fresh,
			"records": r.Records, "seconds": r.took.Seconds(),
		} {
			fields[name] = value
		}
		return writeJSON(p.stdout, "dexetl.replay/1", fields)
	}
	p.say("replay: %s answers (%s), %s records in %.1f s", thousands(int64(r.Applied+r.Held)), megabytes(r.Bytes),
		thousands(int64(r.Records)), r.took.Seconds())
	if r.fresh > 0 {
		p.say("  %s of them came after snapshot %d and are a part of the difference", thousands(int64(r.fresh)), r.before)
	}
	if r.Held > 0 {
		p.say("  %s held (see requests.held_reason)", countOf(r.Held, "answer"))
	}
	for _, line := range describeLoaded(r.Result) {
		p.say("  %s", line)
	}
	if dryRun {
		p.say("dry run: snapshot %d stays as it is; a replay would make it %s", r.before, verdictOf(r.Difference))
	} else {
		p.say("snapshot %d: compared with snapshot %d it is %s", r.snapshot, r.before, verdictOf(r.Difference))
	}
	return p.printDifference(r.Difference)
}

package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// jobFlags are the job of backfill, sync or refresh, and its flags as given.
type jobFlags struct {
	job      study.Job
	who      selection
	from, to string
	trailing string
	maxCalls int
}

// defaultLockWait is long enough for another process's backfill to end a commit.
const defaultLockWait = 10 * time.Minute

// A fetchKind is one of the commands that carry out a job.
type fetchKind struct {
	mode               plan.Mode
	usage, description string
	flags              func(*jobFlags) []cli.Flag
	ready              func(context.Context, *program, *study.Study, *jobFlags) error // reads the flags
}

func (p *program) backfillCommand() *cli.Command { return p.fetchCommand(backfillKind()) }
func (p *program) syncCommand() *cli.Command     { return p.fetchCommand(syncKind()) }
func (p *program) refreshCommand() *cli.Command  { return p.fetchCommand(refreshKind()) }

func backfillKind() fetchKind {
	return fetchKind{
		mode:        plan.Backfill,
		usage:       "fetch everything that was never fetched, and load it",
		description: "Resumes where an earlier run stopped; a second backfill asks for nothing it holds.",
		flags: func(j *jobFlags) []cli.Flag {
			return []cli.Flag{
				&cli.StringFlag{Name: "from", Usage: "nothing before this `DATE` (UTC)", Destination: &j.from},
				&cli.StringFlag{Name: "to", Usage: "nothing after this `DATE` (UTC, inclusive)", Destination: &j.to},
			}
		},
		ready: func(_ context.Context, p *program, _ *study.Study, j *jobFlags) (err error) {
			j.job.Run.Interval, err = p.interval(j.from, j.to)
			return err
		},
	}
}

func syncKind() fetchKind {
	return fetchKind{
		mode:  plan.Sync,
		usage: "fetch what is new, late, edited or deleted since, and load it",
		flags: func(j *jobFlags) []cli.Flag {
			return []cli.Flag{
				&cli.StringFlag{Name: "trailing", Usage: "read this much of the past again now, such as `7d`", Destination: &j.trailing},
				&cli.BoolFlag{Name: "deep", Usage: "read everything again now, as else every sync.deep", Destination: &j.job.Run.DeepNow},
			}
		},
		ready: func(ctx context.Context, p *program, s *study.Study, j *jobFlags) (err error) {
			j.job.Run.Trailing, j.job.Run.Deep = time.Duration(s.Config.Sync.Trailing), time.Duration(s.Config.Sync.Deep)
			if j.trailing != "" {
				if j.job.Run.Trailing, err = config.ParseDuration(j.trailing); err != nil {
					return usage("--trailing: %w", err)
				}
				if j.job.Run.Trailing == 0 {
					return usage("--trailing %s: more than nothing, such as 7d", j.trailing)
				}
				j.job.Run.TrailingNow = true
				j.job.Command += " --trailing " + j.trailing
			}
			if j.job.Run.DeepNow {
				j.job.Command += " --deep"
			}
			if j.job.Run.TrailingNow || j.job.Run.DeepNow {
				return s.Resume(ctx, &j.job, runIsDone)
			}
			return nil
		},
	}
}

func refreshKind() fetchKind {
	return fetchKind{
		mode:  plan.Refresh,
		usage: "read an interval of participants again, and load it",
		description: "For what was edited or deleted longer ago than sync looks back. Dates are those of the " +
			"participant's time zone in the roster, both inclusive; what is not consented is left out.",
		flags: func(j *jobFlags) []cli.Flag {
			return []cli.Flag{
				&cli.StringFlag{Name: "from", Usage: "first `DATE`", Destination: &j.from},
				&cli.StringFlag{Name: "to", Usage: "last `DATE`", Destination: &j.to},
			}
		},
		ready: func(ctx context.Context, p *program, s *study.Study, j *jobFlags) (err error) {
			if j.from == "" || j.to == "" {
				return advised(exitUsage, "give both, such as --from 2026-03-01 --to 2026-03-10", "refresh needs to be told which days: --from and --to")
			}
			if !j.job.Who.Narrows() {
				return advised(exitUsage, "name them, such as P001, or give --cohort", "refresh needs to be told whose data: participants, or --cohort")
			}
			if _, err = p.interval(j.from, j.to); err != nil {
				return err
			}
			if j.job.First, err = optionalDate("from", j.from); err != nil {
				return err
			}
			if j.job.Last, err = optionalDate("to", j.to); err != nil {
				return err
			}
			j.job.Command += " " + j.from + " " + j.to
			return s.Resume(ctx, &j.job, runIsDone)
		},
	}
}

// fetchCommand is the command that carries out a job of this kind.
func (p *program) fetchCommand(k fetchKind) *cli.Command {
	var j jobFlags
	c := p.jobCommand(k, &j, p.fetch)
	run := &j.job.Run
	c.Flags = append(c.Flags,
		&cli.BoolFlag{Name: "newest-first", Usage: "of each participant; else oldest first", Destination: &run.NewestFirst},
		&cli.IntFlag{Name: "max-calls", Usage: "stop before call `N`+1, token renewals included: exit 8, run again to resume", Destination: &j.maxCalls, HideDefault: true},
		&durationFlag{Name: "max-duration", Usage: "stop fetching after so long, such as 50m: exit 8, run again to resume", Destination: &run.MaxDuration, HideDefault: true},
		&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads, such as 30s", Value: defaultLockWait, Destination: &j.job.LockWait})
	return c
}

// jobCommand is a command that does something with a job of this kind.
func (p *program) jobCommand(k fetchKind, j *jobFlags, do func(context.Context, *study.Study, study.Job) error) *cli.Command {
	return &cli.Command{
		Name: string(k.mode), Usage: k.usage, ArgsUsage: "[P001…]", Description: k.description,
		Flags: slices.Concat(j.who.fetchFlags(), k.flags(j)),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) (err error) {
			j.job.Run.Mode, j.job.Command, j.job.ExitCode = k.mode, string(k.mode), runCode
			j.who.IDs = c.Args().Slice()
			if j.job.Who, err = j.who.chosen(); err != nil {
				return err
			}
			if err := j.bounds(c); err != nil {
				return err
			}
			if err := k.ready(ctx, p, s, j); err != nil {
				return err
			}
			return do(ctx, s, j.job)
		}),
	}
}

// bounds reads what the run is given.
func (j *jobFlags) bounds(c *cli.Command) error {
	if c.IsSet("max-calls") {
		if j.maxCalls < 1 {
			return usage("--max-calls %d: at least 1", j.maxCalls)
		}
		j.job.Run.Quota = &call.Quota{Max: j.maxCalls}
	}
	if c.IsSet("max-duration") && j.job.Run.MaxDuration <= 0 {
		return usage("--max-duration %s: more than nothing, such as 50m", call.Spell(j.job.Run.MaxDuration))
	}
	return nil
}

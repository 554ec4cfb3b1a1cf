package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plan"
)

// A fetchJob is what backfill, sync and refresh have in common: fetch into the
// raw log and, at the same time, fold the log into the lake.
type fetchJob struct {
	command  string // as kept of the run; "": the mode
	people   string // as kept of the run, if it can be gone on with
	run      extract.Run
	who      selection
	lockWait time.Duration

	// Flags as given.
	from, to    string
	trailing    string
	maxCalls    int
	first, last time.Time // refresh: local dates
}

// A fetchKind is one of the commands that carry out a job.
type fetchKind struct {
	mode               plan.Mode
	usage, description string
	flags              func(*fetchJob) []cli.Flag
	ready              func(context.Context, *program, *study, *fetchJob) error // reads the flags
}

func (p *program) backfillCommand() *cli.Command { return p.fetchCommand(backfillKind()) }
func (p *program) syncCommand() *cli.Command     { return p.fetchCommand(syncKind()) }
func (p *program) refreshCommand() *cli.Command  { return p.fetchCommand(refreshKind()) }

func backfillKind() fetchKind {
	return fetchKind{
		mode:        plan.Backfill,
		usage:       "fetch everything that was never fetched, and load it",
		description: "Resumes where an earlier run stopped; a second backfill asks for nothing it holds.",
		flags: func(j *fetchJob) []cli.Flag {
			return []cli.Flag{
				&cli.StringFlag{Name: "from", Usage: "nothing before this `DATE` (UTC)", Destination: &j.from},
				&cli.StringFlag{Name: "to", Usage: "nothing after this `DATE` (UTC, inclusive)", Destination: &j.to},
			}
		},
		ready: func(_ context.Context, _ *program, _ *study, j *fetchJob) (err error) {
			j.run.Interval, err = interval(j.from, j.to)
			return err
		},
	}
}

func syncKind() fetchKind {
	return fetchKind{
		mode:  plan.Sync,
		usage: "fetch what is new, late, edited or deleted since, and load it",
		flags: func(j *fetchJob) []cli.Flag {
			return []cli.Flag{
				&cli.StringFlag{Name: "trailing", Usage: "read this much of the past again now, such as `7d`", Destination: &j.trailing},
				&cli.BoolFlag{Name: "deep", Usage: "read everything again now, as else every sync.deep", Destination: &j.run.DeepNow},
			}
		},
		ready: func(ctx context.Context, p *program, s *study, j *fetchJob) (err error) {
			j.run.Trailing, j.run.Deep = time.Duration(s.config.Sync.Trailing), time.Duration(s.config.Sync.Deep)
			if j.trailing != "" {
				if j.run.Trailing, err = parseDuration(j.trailing); err != nil {
					return usage("--trailing: %w", err)
				}
				if j.run.Trailing == 0 {
					return usage("--trailing %s: more than nothing, such as 7d", j.trailing)
				}
				j.run.TrailingNow = true
				j.command += " --trailing " + j.trailing
			}
			if j.run.DeepNow {
				j.command += " --deep"
			}
			if j.run.TrailingNow || j.run.DeepNow {
				return p.goOn(ctx, s, j)
			}
			return nil
		},
	}
}

func refreshKind() fetchKind {
	return fetchKind{
		mode:  plan.Refresh,
		usage: "read an interval of participants again, and load it",
		description: "For what was edited or deleted longer ago than sync looks back. Dates are those of the\n" +
			"participant's time zone in the roster, both inclusive; what is not consented is left out.",
		flags: func(j *fetchJob) []cli.Flag {
			return []cli.Flag{
				&cli.StringFlag{Name: "from", Usage: "first `DATE`", Destination: &j.from},
				&cli.StringFlag{Name: "to", Usage: "last `DATE`", Destination: &j.to},
			}
		},
		ready: func(ctx context.Context, p *program, s *study, j *fetchJob) (err error) {
			if j.from == "" || j.to == "" {
				return failure(exitUsage, "dexetl refresh P001 --from 2026-03-01 --to 2026-03-10", "refresh needs to be told which days: --from and --to")
			}
			if !j.who.narrows() {
				return failure(exitUsage, "dexetl refresh P001 --from "+j.from+" --to "+j.to, "refresh needs to be told whose data: participants, or --cohort")
			}
			if _, err = interval(j.from, j.to); err != nil {
				return err
			}
			if j.first, err = optionalDate("from", j.from); err != nil {
				return err
			}
			if j.last, err = optionalDate("to", j.to); err != nil {
				return err
			}
			j.command += " " + j.from + " " + j.to
			return p.goOn(ctx, s, j)
		},
	}
}

// fetchCommand is the command that carries out a job of this kind.
func (p *program) fetchCommand(k fetchKind) *cli.Command {
	job := fetchJob{}
	c := p.jobCommand(k, &job, p.fetch)
	c.Flags = append(c.Flags,
		&cli.BoolFlag{Name: "newest-first", Usage: "of each participant; else oldest first", Destination: &job.run.NewestFirst},
		&cli.IntFlag{Name: "max-calls", Usage: "stop before call `N`+1, token renewals included: exit 8, run again to resume", Destination: &job.maxCalls, HideDefault: true},
		&durationFlag{Name: "max-duration", Usage: "stop fetching after so long, such as 50m: exit 8, run again to resume", Destination: &job.run.MaxDuration, HideDefault: true},
		&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads, such as 30s", Value: defaultLockWait, Destination: &job.lockWait})
	return c
}

// jobCommand is a command that does something with a job of this kind.
func (p *program) jobCommand(k fetchKind, job *fetchJob, do func(context.Context, *study, fetchJob) error) *cli.Command {
	return &cli.Command{
		Name: string(k.mode), Usage: k.usage, ArgsUsage: "[P001…]", Description: k.description,
		Flags: slices.Concat(job.who.fetchFlags(), k.flags(job)),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			job.who.ids = c.Args().Slice()
			job.run.Mode, job.command = k.mode, string(k.mode)
			if err := job.bounds(c); err != nil {
				return err
			}
			if err := k.ready(ctx, p, s, job); err != nil {
				return err
			}
			return do(ctx, s, *job)
		}),
	}
}

// bounds reads what the run is given.
func (j *fetchJob) bounds(c *cli.Command) error {
	if c.IsSet("max-calls") {
		if j.maxCalls < 1 {
			return usage("--max-calls %d: at least 1", j.maxCalls)
		}
		j.run.Quota = &call.Quota{Max: j.maxCalls}
	}
	if c.IsSet("max-duration") && j.run.MaxDuration <= 0 {
		return usage("--max-duration %s: more than nothing, such as 50m", call.Spell(j.run.MaxDuration))
	}
	return nil
}

// resumeWithin is how long a command that was stopped is gone on with when it is
// given again.
const resumeWithin = 24 * time.Hour

// goOn readies a job that reads again what is held to go on where the same command
// for the same people was stopped.
func (p *program) goOn(ctx context.Context, s *study, j *fetchJob) error {
	people, err := j.who.pick(ctx, s.cohort)
	if err != nil {
		return err
	}
	j.people = digestOf(people)
	j.run.Since, err = p.unfinishedSince(ctx, s, j.command, j.people)
	return err
}

// digestOf tells one choice of people from another, whatever flags made it.
func digestOf(people []cohort.Participant) string {
	h := sha256.New()
	for _, who := range people {
		fmt.Fprintln(h, who.ID)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// unfinishedSince is when the first of the latest runs of command for people began
// that all ended before their work was done, so that what they read is not read
// again; zero if the last one came to its end, or was long ago. Who lacks a consent
// does not make a run unfinished, and neither do answers that came and could not be
// read. Of others than these people it says nothing: what
// was answered of them since then, no such run has read.
func (p *program) unfinishedSince(ctx context.Context, s *study, command, people string) (since time.Time, err error) {
	outcomes, err := s.cohort.FetchOutcomes(ctx)
	if err != nil {
		return since, err
	}
	runs, err := s.store.Runs(ctx)
	for _, r := range slices.Backward(runs) {
		if r.Command != command || r.People != people {
			continue
		}
		done := !r.EndedAt.IsZero() && (r.ExitCode == exitDone || r.ExitCode == exitConsent)
		misread := r.ExitCode == exitPartial || r.ExitCode == exitDamage // all may be fetched all the same
		if done || misread && fetchedAll(outcomes, r.ID) || p.now().Sub(r.StartedAt) > resumeWithin {
			break
		}
		since = r.StartedAt
	}
	if !since.IsZero() {
		p.say("going on with what began at %s: what was read since is not read again", since.Format(time.RFC3339))
	}
	return since, err
}

// fetchedAll reports whether a run, the last one that fetched somebody, left nothing
// open of anybody.
func fetchedAll(outcomes map[string]cohort.FetchOutcome, runID string) bool {
	fetched := 0
	for _, o := range outcomes {
		if o.RunID != runID {
			continue
		}
		if o.Error != "" {
			return false
		}
		fetched++
	}
	return fetched > 0
}

// jobTargets are the targets of a job for people.
func (s *study) jobTargets(ctx context.Context, job fetchJob, people []cohort.Participant) ([]extract.Target, error) {
	targets, err := s.targets(ctx, people, s.store.Now())
	if err != nil || job.run.Mode != plan.Refresh {
		return targets, err
	}
	zones := make(map[string]*time.Location)
	for _, who := range people {
		if zones[who.ID], err = zoneOf(who); err != nil {
			return nil, err
		}
	}
	for i, t := range targets {
		targets[i].Interval = plan.LocalDays(job.first, job.last, zones[t.ParticipantID])
	}
	return targets, nil
}

// interval is the window from the first instant of one UTC date to the last of
// another; "" leaves an end open.
func interval(from, to string) (plan.Window, error) {
	first, err := optionalDate("from", from)
	if err != nil {
		return plan.Window{}, err
	}
	last, err := optionalDate("to", to)
	if err != nil {
		return plan.Window{}, err
	}
	if from == "" && to == "" {
		return plan.Window{}, nil
	}
	w := plan.Window{Start: first, End: last.AddDate(0, 0, 1)}
	if to == "" {
		w.End = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if w.Empty() {
		return w, usage("--to %s is before --from %s", to, from)
	}
	return w, nil
}

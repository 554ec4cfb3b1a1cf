package main

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// defaultLockWait is long enough for another process's backfill to end a commit.
const defaultLockWait = 10 * time.Minute

// A fetchJob is what backfill and sync have in common: fetch into the raw log
// and, at the same time, fold the log into the lake.
type fetchJob struct {
	run      extract.Run
	who      selection
	from, to string
	lockWait time.Duration
}

func (j *fetchJob) flags() []cli.Flag {
	return append(j.who.flags(),
		&cli.DurationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: defaultLockWait, Destination: &j.lockWait})
}

func (p *program) backfillCommand() *cli.Command {
	job := fetchJob{run: extract.Run{Mode: extract.Backfill}}
	return &cli.Command{
		Name: "backfill", Usage: "fetch everything that was never fetched, and load it", ArgsUsage: "[P001…]",
		Description: "Resumes where an earlier run stopped; a second backfill asks for nothing it holds.",
		Flags: append(job.flags(),
			&cli.StringFlag{Name: "from", Usage: "nothing before this `DATE` (UTC)", Destination: &job.from},
			&cli.StringFlag{Name: "to", Usage: "nothing after this `DATE` (UTC, inclusive)", Destination: &job.to}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			job.who.ids = c.Args().Slice()
			var err error
			if job.run.Interval, err = interval(job.from, job.to); err != nil {
				return err
			}
			return p.fetch(ctx, s, job)
		}),
	}
}

func (p *program) syncCommand() *cli.Command {
	job := fetchJob{run: extract.Run{Mode: extract.Sync}}
	var trailing string
	return &cli.Command{
		Name: "sync", Usage: "fetch what is new, late, edited or deleted since, and load it", ArgsUsage: "[P001…]",
		Flags: append(job.flags(),
			&cli.StringFlag{Name: "trailing", Usage: "read this much of the past again now, such as `7d`", Destination: &trailing}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			job.who.ids = c.Args().Slice()
			job.run.Trailing, job.run.Deep = time.Duration(s.config.Sync.Trailing), time.Duration(s.config.Sync.Deep)
			if trailing != "" {
				var err error
				if job.run.Trailing, err = parseDuration(trailing); err != nil {
					return usage("--trailing: %w", err)
				}
				job.run.TrailingNow = true
			}
			return p.fetch(ctx, s, job)
		}),
	}
}

// interval is the window from the first instant of one UTC date to the last of
// another; "" leaves an end open.
func interval(from, to string) (extract.Window, error) {
	first, err := optionalDate("from", from)
	if err != nil {
		return extract.Window{}, err
	}
	last, err := optionalDate("to", to)
	if err != nil {
		return extract.Window{}, err
	}
	if from == "" && to == "" {
		return extract.Window{}, nil
	}
	w := extract.Window{Start: first, End: last.AddDate(0, 0, 1)}
	if to == "" {
		w.End = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if w.Empty() {
		return w, usage("--to %s is before --from %s", to, from)
	}
	return w, nil
}

// fetch runs the job, prints what it did and returns what the exit code
// should say.
func (p *program) fetch(ctx context.Context, s *study, job fetchJob) error {
	done, err := p.fetchAndLoad(ctx, s, job)
	if err != nil {
		return err
	}
	if err := p.printFetch(done); err != nil {
		return err
	}
	return done.verdict()
}

// fetchAndLoad carries the job out and keeps a row of the run. Its error is
// nil when the run came to its end, however many participants failed: that is
// in the report.
func (p *program) fetchAndLoad(ctx context.Context, s *study, job fetchJob) (done fetchResult, err error) {
	people, err := job.who.pick(ctx, s.store)
	if err != nil {
		return done, err
	}
	if err := p.sayWhoIsLeftOut(people, len(job.who.ids) > 0); err != nil {
		return done, err
	}
	log, err := raw.Open(s.rawPath())
	if err != nil {
		return done, err
	}
	defer log.Close()
	run, err := s.store.StartRun(ctx, string(job.run.Mode), version())
	if err != nil {
		return done, err
	}
	job.run.ID = run.ID
	f := &fetching{p: p, study: s, job: job, log: log}
	done, err = f.run(ctx, people)
	if err != nil {
		err = errors.Join(err, f.end(ctx, err))
	}
	return done, err
}

// A fetching is a job under way.
type fetching struct {
	p      *program
	study  *study
	job    fetchJob
	log    *raw.Log
	grants *consent.Grants
	report extract.Report
}

func (f *fetching) run(ctx context.Context, people []state.Participant) (done fetchResult, err error) {
	began := time.Now()
	done.run = f.job.run
	if f.grants, err = f.p.grants(ctx, f.study, f.log, f.job.run.ID); err != nil {
		return done, err
	}
	loading, err := f.p.newLoading(ctx, f.study, f.log, f.job.run.ID)
	if err != nil {
		return done, err
	}
	defer loading.close()
	if err := f.fetch(ctx, people, loading); err != nil {
		return done, errors.Join(err, loading.publish(ctx))
	}
	done.report = f.report
	// Ended before the last fold, which takes the row of the run into the lake.
	if err := f.end(ctx, done.verdict()); err != nil {
		return done, err
	}
	done.loaded, err = loading.finish(ctx, f.job.lockWait)
	done.took = time.Since(began)
	return done, err
}

// fetch fetches what is due while loading folds what has arrived.
func (f *fetching) fetch(ctx context.Context, people []state.Participant, loading *loading) error {
	targets, err := f.study.targets(ctx, people)
	if err != nil {
		return err
	}
	bars := f.p.newBars(string(f.job.run.Mode))
	defer bars.close()
	defer loading.alongside(ctx)()
	fetcher := f.fetcher()
	fetcher.Progress = func(now extract.Progress) {
		bars.fetched(now)
		loading.arrived.Store(now.Bytes)
	}
	f.report, err = fetcher.Run(ctx, f.job.run, targets)
	return err
}

// end keeps how the run ended, also when it was interrupted.
func (f *fetching) end(ctx context.Context, outcome error) error {
	calls := int64(f.report.Calls)
	if f.grants != nil {
		calls += f.grants.Calls()
	}
	return f.study.store.EndRun(context.WithoutCancel(ctx), f.job.run.ID, codeOf(outcome), calls, int64(f.report.Answers))
}

func (f *fetching) fetcher() *extract.Fetcher {
	config := f.study.config
	clients := make(map[string]extract.API)
	for region, app := range f.grants.Apps {
		clients[region] = &dexcom.Client{BaseURL: app.BaseURL}
	}
	resources := make([]dexcom.Resource, len(config.Sync.Resources))
	for i, r := range config.Sync.Resources {
		resources[i] = dexcom.Resource(r)
	}
	return &extract.Fetcher{
		Clients: clients, Tokens: f.grants, Log: f.log, Budget: f.study.store, Claims: f.study.store,
		CallsPerHour: config.Limits.CallsPerHour, Concurrency: config.Limits.Concurrency, Resources: resources,
		Now: f.p.now, Logger: f.p.logger(),
	}
}

package main

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
)

// defaultLockWait is long enough for another process's backfill to end a commit.
const defaultLockWait = 10 * time.Minute

// statePatience is how long a run under way waits for another process that holds the
// state: its claims, renewed every 3 minutes, last 10.
const statePatience = 5 * time.Minute

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
	edited, err := p.editedRows(ctx, s)
	if err != nil {
		return done, err
	}
	people, err := job.who.pick(ctx, s.cohort)
	if err != nil {
		return done, err
	}
	people = p.leaveOutEdited(people, edited)
	if err := p.closeGrants(ctx, s, people, beforeRun(p.now())); err != nil {
		return done, err
	}
	if people, err = p.leaveOutWithdrawn(ctx, s, people, len(job.who.ids) > 0); err != nil {
		return done, err
	}
	if err := p.sayWhoIsLeftOut(ctx, s, people, len(job.who.ids) > 0); err != nil {
		return done, err
	}
	log, err := raw.Open(s.rawPath())
	if err != nil {
		return done, err
	}
	defer log.Close()
	run, err := s.store.StartRun(ctx, cmp.Or(job.command, string(job.run.Mode)), job.people, version())
	if err != nil {
		return done, err
	}
	job.run.ID = run.ID
	s.store.WaitUpTo(statePatience, sync.OnceFunc(func() { p.say("waiting: another process holds the state (state.db)") }))
	f := &fetching{p: p, study: s, job: job, log: log, begun: run, edited: edited}
	done, err = f.run(ctx, people)
	outcome := err
	if err == nil {
		outcome = done.verdict()
	}
	return done, errors.Join(err, f.end(ctx, outcome))
}

// A fetching is a job under way.
type fetching struct {
	p      *program
	study  *study
	job    fetchJob
	log    *raw.Log
	begun  state.Run
	grants *consent.Grants
	report extract.Report
	edited *forgottenError // of people who are left out
}

func (f *fetching) run(ctx context.Context, people []cohort.Participant) (done fetchResult, err error) {
	began := time.Now()
	done.run, done.edited = f.job.run, f.edited
	if f.grants, err = f.p.grants(ctx, f.study, f.log, f.job.run.ID, f.job.run.Quota); err != nil {
		return done, err
	}
	loading, err := f.p.newLoading(ctx, f.study, f.log, f.job.run.ID)
	if err != nil {
		return done, err
	}
	defer loading.close()
	if err := loading.checkLog(); err != nil {
		return done, err // before a call: what it brings could not be loaded
	}
	if err := f.fetch(ctx, people, loading); err != nil {
		return done, errors.Join(err, loading.publish(ctx))
	}
	done.report, done.tokenCalls = f.report, f.grants.Client.Calls()
	if err := f.p.closeGrants(ctx, f.study, people, afterRun(f.job.run, f.report)); err != nil {
		return done, err
	}
	if done.disowned, err = f.disownedIn(ctx, f.report); err != nil {
		return done, err
	}
	// The last fold takes the run into the lake as one that has ended; in the
	// state it has not, before the fold has.
	loading.ended = func(loaded load.Result) state.Run {
		all := done
		all.loaded = loaded
		return f.ended(all.verdict())
	}
	if done.loaded, err = loading.finish(ctx, f.job.lockWait); err == nil {
		done.compacted, err = loading.compact(ctx)
	}
	done.took = time.Since(began)
	return done, err
}

// fetch fetches what is due while loading folds what has arrived.
func (f *fetching) fetch(ctx context.Context, people []cohort.Participant, loading *loading) error {
	targets, err := f.study.jobTargets(ctx, f.job, people)
	if err != nil {
		return err
	}
	if f.job.run.Mode == plan.Sync {
		if err := f.study.store.BeginSync(ctx, f.job.run.ID); err != nil {
			return err
		}
		defer f.study.store.EndSync(context.WithoutCancel(ctx), f.job.run.ID) // the end of the process does it too
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
	return errors.Join(err, f.study.keepOutcomes(context.WithoutCancel(ctx), f.job.run.ID, f.report))
}

// keepOutcomes remembers how it went for those who were tried to the end.
func (s *study) keepOutcomes(ctx context.Context, runID string, report extract.Report) error {
	var outcomes []cohort.FetchOutcome
	for _, p := range report.Participants {
		if !p.Ended {
			continue
		}
		o := cohort.FetchOutcome{ParticipantID: p.ParticipantID, RunID: runID, Refused: refusalsOf(p)}
		if p.Err != nil {
			o.Error = p.Err.Error()
		}
		if call := (*plan.CallError)(nil); errors.As(p.Err, &call) {
			o.Resource = string(call.Call.Resource)
		}
		outcomes = append(outcomes, o)
	}
	return s.cohort.PutFetchOutcomes(ctx, outcomes)
}

// end keeps how the run ended, also when it was interrupted.
func (f *fetching) end(ctx context.Context, outcome error) error {
	r := f.ended(outcome)
	return f.study.store.EndRun(context.WithoutCancel(ctx), r.ID, r.ExitCode, r.Calls, r.Answers)
}

// ended is the run as one that ends now.
func (f *fetching) ended(outcome error) state.Run {
	r := f.begun
	r.EndedAt, r.ExitCode = f.study.store.Now().UTC(), codeOf(outcome)
	r.Calls, r.Answers = int64(f.report.Calls), int64(f.report.Answers)
	if f.grants != nil {
		r.Calls += f.grants.Client.Calls()
	}
	return r
}

func (f *fetching) fetcher() *extract.Fetcher {
	fetcher := f.p.fetcher(f.study, f.log)
	fetcher.Tokens, fetcher.Accounts = f.grants.Accounts, f.grants.Accounts
	fetcher.Reached = f.grants.Tokens.Reached
	fetcher.Clients = make(map[string]call.API)
	for region, app := range f.grants.Client.Apps {
		fetcher.Clients[region] = &dexcom.Client{BaseURL: app.BaseURL}
	}
	if f.job.run.Mode == plan.Backfill {
		fetcher.Budget = call.BackfillBudget{Budget: f.study.store, SyncUnderWay: f.study.store.SyncUnderWay}
	}
	return fetcher
}

// fetcher is one that can plan; to fetch it needs tokens and clients too.
func (p *program) fetcher(s *study, log *raw.Log) *extract.Fetcher {
	resources := make([]dexcom.Resource, len(s.config.Sync.Resources))
	for i, r := range s.config.Sync.Resources {
		resources[i] = dexcom.Resource(r)
	}
	return &extract.Fetcher{
		Log: log, Cache: s.indexCache(), Budget: s.store, Claims: s.cohort, Withdrawals: s.cohort, Resources: resources,
		CallsPerHour: s.config.Limits.CallsPerHour, Concurrency: s.config.Limits.Concurrency,
		Now: p.now, Logger: p.logger(),
	}
}

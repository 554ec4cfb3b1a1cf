package study

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

// statePatience is how long a run under way waits for another process that holds the
// state: its claims, renewed every 3 minutes, last 10.
const statePatience = 5 * time.Minute

// A Job is what backfill, sync and refresh have in common: fetch into the raw log and,
// at the same time, fold the log into the lake.
type Job struct {
	extract.Run        // its ID is set by Study.Run
	Command     string // as kept of the run; "": the mode
	People      string // as kept of the run, if it can be gone on with
	Who         Selection
	LockWait    time.Duration // for another process that loads
	First, Last time.Time     // Refresh: local dates

	// ExitCode is how a run that comes to an end, or to an error, is kept.
	ExitCode func(Result, error) int
}

// Run carries a job out and keeps a row of the run. Its error is nil when the run came
// to its end, however many participants failed: that is in the result.
func (s *Study) Run(ctx context.Context, job Job) (done Result, err error) {
	edited, err := s.EditedRows(ctx)
	if err != nil {
		return done, err
	}
	people, err := job.Who.Pick(ctx, s.Cohort)
	if err != nil {
		return done, err
	}
	people = s.leaveOutEdited(people, edited)
	if err := s.closeGrants(ctx, people, beforeRun(s.Now())); err != nil {
		return done, err
	}
	if people, err = s.LeaveOut(ctx, people, len(job.Who.IDs) > 0); err != nil {
		return done, err
	}
	log, err := raw.Open(s.RawPath())
	if err != nil {
		return done, err
	}
	defer log.Close()
	run, err := s.Store.StartRun(ctx, cmp.Or(job.Command, string(job.Run.Mode)), job.People, s.Version)
	if err != nil {
		return done, err
	}
	job.Run.ID = run.ID
	s.Store.WaitUpTo(statePatience, sync.OnceFunc(func() { s.Tell(Fact{Kind: WaitsForState}) }))
	f := &fetching{study: s, job: job, log: log, begun: run, edited: edited}
	done, err = f.run(ctx, people)
	return done, s.withRoom(errors.Join(err, f.end(ctx, done, err)))
}

// A fetching is a job under way.
type fetching struct {
	study  *Study
	job    Job
	log    *raw.Log
	begun  state.Run
	grants *consent.Grants
	report extract.Report
	edited *ForgottenError // of people who are left out
}

func (f *fetching) run(ctx context.Context, people []cohort.Participant) (done Result, err error) {
	began := time.Now()
	done.Run, done.Edited = f.job.Run, f.edited
	if f.grants, err = f.study.grants(ctx, f.log, f.job.Run.ID, f.job.Run.Quota); err != nil {
		return done, err
	}
	loading, err := f.study.newLoading(ctx, f.log, f.job.Run.ID)
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
	done.Report, done.TokenCalls = f.report, f.grants.Client.Calls()
	if err := f.study.closeGrants(ctx, people, afterRun(f.job.Run, f.report)); err != nil {
		return done, err
	}
	if done.Disowned, err = f.study.disownedIn(ctx, f.report); err != nil {
		return done, err
	}
	// The last fold takes the run into the lake as one that has ended; in the
	// state it has not, before the fold has.
	loading.ended = func(loaded load.Result) state.Run {
		all := done
		all.Loaded, all.Unerased = loaded, loading.unerased
		return f.ended(all, nil)
	}
	done.Loaded, err = loading.finish(ctx, f.job.LockWait)
	if done.Unerased = loading.unerased; err == nil {
		done.Collected, err = loading.collect(ctx)
	}
	if err == nil {
		done.Compacted, err = loading.compact(ctx)
	}
	done.Took = time.Since(began)
	return done, err
}

// fetch fetches what is due while loading folds what has arrived.
func (f *fetching) fetch(ctx context.Context, people []cohort.Participant, loading *loading) error {
	s := f.study
	targets, err := s.jobTargets(ctx, f.job, people)
	if err != nil {
		return err
	}
	if f.job.Run.Mode == plan.Sync {
		if err := s.Store.BeginSync(ctx, f.job.Run.ID); err != nil {
			return err
		}
		defer s.Store.EndSync(context.WithoutCancel(ctx), f.job.Run.ID) // the end of the process does it too
	}
	defer s.Busy(Work(f.job.Run.Mode))()
	defer loading.alongside(ctx)()
	fetcher := f.fetcher()
	fetcher.Progress = func(now extract.Progress) {
		s.Fetched(now)
		loading.arrived.Store(now.Bytes)
	}
	f.report, err = fetcher.Run(ctx, f.job.Run, targets)
	return errors.Join(err, s.keepOutcomes(context.WithoutCancel(ctx), f.job.Run.ID, f.report))
}

// keepOutcomes remembers how it went for those who were tried to the end.
func (s *Study) keepOutcomes(ctx context.Context, runID string, report extract.Report) error {
	var outcomes []cohort.FetchOutcome
	for _, p := range report.Participants {
		if !p.Ended {
			continue
		}
		o := cohort.FetchOutcome{ParticipantID: p.ParticipantID, RunID: runID, Refused: RefusalsOf(p)}
		if p.Err != nil {
			o.Error = p.Err.Error()
		}
		if failed, ok := errors.AsType[*plan.CallError](p.Err); ok {
			o.Resource = string(failed.Call.Resource)
		}
		outcomes = append(outcomes, o)
	}
	return s.Cohort.PutFetchOutcomes(ctx, outcomes)
}

// RefusalsOf are those of a report as the state keeps them.
func RefusalsOf(p extract.ParticipantReport) []cohort.Refusal {
	return mapped(p.Refused, func(r extract.Refusal) cohort.Refusal {
		return cohort.Refusal{Resource: string(r.Resource), Status: r.Status, Words: r.Words}
	})
}

// end keeps how the run ended, also when it was interrupted.
func (f *fetching) end(ctx context.Context, done Result, err error) error {
	r := f.ended(done, err)
	return f.study.Store.EndRun(context.WithoutCancel(ctx), r.ID, r.ExitCode, r.Calls, r.Answers)
}

// ended is the run as one that ends now.
func (f *fetching) ended(done Result, err error) state.Run {
	r := f.begun
	r.EndedAt, r.ExitCode = f.study.Store.Now().UTC(), f.job.ExitCode(done, err)
	r.Calls, r.Answers = int64(f.report.Calls), int64(f.report.Answers)
	if f.grants != nil {
		r.Calls += f.grants.Client.Calls()
	}
	return r
}

func (f *fetching) fetcher() *extract.Fetcher {
	fetcher := f.study.fetcher(f.log)
	fetcher.Tokens, fetcher.Accounts = f.grants.Accounts, f.grants.Accounts
	fetcher.Reached = f.grants.Tokens.Reached
	fetcher.Clients = make(map[string]call.API)
	for region, app := range f.grants.Client.Apps {
		fetcher.Clients[region] = &dexcom.Client{BaseURL: app.BaseURL}
	}
	if f.job.Run.Mode == plan.Backfill {
		fetcher.Budget = call.BackfillBudget{Budget: f.study.Store, SyncUnderWay: f.study.Store.SyncUnderWay}
	}
	return fetcher
}

// fetcher is one that can plan; to fetch it needs tokens and clients too.
func (s *Study) fetcher(log *raw.Log) *extract.Fetcher {
	return &extract.Fetcher{
		Log: log, Cache: s.indexCache(), Budget: s.Store, Claims: s.Cohort, Withdrawals: s.Cohort,
		Resources:    mapped(s.Config.Sync.Resources, func(r string) dexcom.Resource { return dexcom.Resource(r) }),
		CallsPerHour: s.Config.Limits.CallsPerHour, Concurrency: s.Config.Limits.Concurrency,
		Now: s.Now, Logger: s.Logger,
	}
}

// jobTargets are the targets of a job for people.
func (s *Study) jobTargets(ctx context.Context, job Job, people []cohort.Participant) ([]extract.Target, error) {
	targets, err := s.targets(ctx, people)
	if err != nil || job.Run.Mode != plan.Refresh {
		return targets, err
	}
	zones := make(map[string]*time.Location)
	for _, who := range people {
		if zones[who.ID], err = s.zones.of(who); err != nil {
			return nil, err
		}
	}
	for i, t := range targets {
		first, end := cohort.LocalDays(job.First, job.Last, zones[t.ParticipantID])
		targets[i].Interval = plan.Window{Start: first, End: end}
	}
	return targets, nil
}

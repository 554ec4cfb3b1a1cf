package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// Withdrawals knows who has withdrawn, which it is asked before every request:
// another process may have recorded it a moment ago. Then the error is a
// *cohort.WithdrawnError.
type Withdrawals interface {
	Standing(ctx context.Context, participantID string) error
}

// Claims keeps two processes from fetching a participant at the same time. Claim
// also renews a claim of the same owner. Of a participant who has withdrawn there
// is none: *cohort.WithdrawnError.
type Claims interface {
	Claim(ctx context.Context, participantID, owner string, ttl time.Duration) (bool, error)
	Unclaim(ctx context.Context, participantID, owner string) error
}

// A Target is a participant's connection to fetch from. A participant with
// several accounts over time is several targets.
type Target struct {
	ParticipantID string
	ConnectionID  string      // empty: not connected
	App           string      // key of Fetcher.Clients
	Consented     plan.Window // see Consented
	Reason        string      // why Consented is empty
	Interval      plan.Window // nothing beyond it is asked for in this run; zero: no bounds

	// Refused are the resources that were refused when they were last asked for.
	// Of each, one window goes ahead of the others.
	Refused []dexcom.Resource

	// Tried is when a run last did all it could for the participant, if only in
	// vain: who was tried least recently comes first; zero: never.
	Tried time.Time
}

// A Run says what to fetch.
type Run struct {
	ID string // ULID; in the log's headers, and the owner of claims
	plan.Job
	Quota       *call.Quota   // nil: any number of calls
	MaxDuration time.Duration // of fetching; 0: any
}

// A Fetcher fetches answers into the raw log. Its fields are set before use and
// then frozen.
type Fetcher struct {
	Clients map[string]call.API // by app
	Tokens  call.Tokens
	Log     *raw.Log
	Cache   plan.Cache  // of the index of Log; nil: all of Log is read anew
	Budget  call.Budget // nil: no other process calls
	Claims  Claims      // nil: no other process fetches

	Accounts    Accounts    // nil: whose an answer is, is not looked at
	Withdrawals Withdrawals // nil: nobody withdraws meanwhile

	// Reached is called when an app answers again after it seemed to be out of
	// reach: what failed meanwhile says nothing. Nil: nobody needs to know.
	Reached func(app string)

	CallsPerHour int               // of each app; 0: 54,000
	Concurrency  int               // calls at a time, of each app; 0: 16
	Resources    []dexcom.Resource // to fetch; nil: all
	Now          func() time.Time  // dates what is asked; nil: time.Now
	Rand         *rand.Rand        // spreads waits; nil: seeded by chance
	Logger       *slog.Logger      // nil: none
	Progress     func(Progress)    // called after each answer, never twice at a time; nil: none

	keepAfter int // see the constant of that name, which it is unless a test sets it
}

// Progress says how far a run is.
type Progress struct {
	Participants, ParticipantsDone int
	Counts                         // so far; Planned grows as participants are looked at
}

const (
	defaultCallsPerHour = 54_000
	defaultConcurrency  = 16

	// activeParticipants are fetched at a time, per app. Few, so that the log
	// holds whole participants one after another: load then writes few files
	// with disjoint ranges of participants.
	activeParticipants = 6
)

// Run fetches what is due for targets and reports what it did. Participants are
// begun a few at a time, as plan.InOrder says; one that fails or is slow stops no
// other, and its error is in the report. A run that has used up its calls or its
// time waits for the answers under way, and its outcome is Stopped.
//
// The error is nil unless the run ended early for another reason: the context's
// error if it was interrupted (what was answered is in the log, and running again
// goes on from there), a *ClockError, or what made the log, the budget or the
// claims unusable. The report is valid in any case.
func (f *Fetcher) Run(ctx context.Context, run Run, targets []Target) (Report, error) {
	r := f.newRunner(run, targets)
	r.openApps(targets)
	if err := r.openIndex(); err != nil {
		return Report{}, err
	}
	defer r.keepIndex()
	byApp := map[string][]int{}
	for _, i := range plan.InOrder(r.turns()) {
		byApp[r.work[i][0].App] = append(byApp[r.work[i][0].App], i)
	}
	bounded, release := run.bounded(ctx)
	defer release()
	all, groupCtx := errgroup.WithContext(bounded)
	for _, indexes := range byApp {
		all.Go(func() error { return r.fetchAll(groupCtx, indexes, participantsAtWork(run.Quota, len(r.apps))) })
	}
	err := all.Wait()
	r.report.sum()
	r.sumApps()
	if ctx.Err() != nil && (err == nil || interrupted(err)) {
		r.report.Outcome = Interrupted
		return r.report, fmt.Errorf("interrupted, safe to resume: %w", context.Cause(ctx))
	}
	fatal, isFatal := errors.AsType[call.FatalError](err)
	switch {
	case err == nil:
	case isFatal:
		r.report.Outcome, err = Partial, fatal.Err
	case call.StopOf(bounded) != nil && len(r.report.Over) > 0:
		r.report.Outcome, err = Later, nil
	case call.StopOf(bounded) != nil:
		r.report.Outcome, r.report.Stop, err = Stopped, call.StopOf(bounded), nil
	default:
		r.report.Outcome = Partial
	}
	return r.report, err
}

// A runner is one Run under way.
type runner struct {
	fetcher  *Fetcher
	run      Run
	apps     map[string]*call.Gate
	work     [][]Target // per participant, in the order of the ids
	index    *plan.Index
	report   Report // Participants are each written by one goroutine
	recorder *call.Recorder

	mu       sync.Mutex
	progress Progress
}

func (f *Fetcher) newRunner(run Run, targets []Target) *runner {
	frozen := *f
	frozen.CallsPerHour = cmp.Or(f.CallsPerHour, defaultCallsPerHour)
	frozen.Concurrency = cmp.Or(f.Concurrency, defaultConcurrency)
	frozen.keepAfter = cmp.Or(f.keepAfter, keepAfter)
	if f.Resources == nil {
		frozen.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts, dexcom.Devices}
	}
	if f.Now == nil {
		frozen.Now = time.Now
	}
	if f.Rand == nil {
		frozen.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if f.Logger == nil {
		frozen.Logger = slog.New(slog.DiscardHandler)
	}
	r := &runner{fetcher: &frozen, run: run, apps: map[string]*call.Gate{}, work: byParticipant(targets)}
	r.recorder = &call.Recorder{Log: frozen.Log, RunID: run.ID, Now: frozen.Now, Logger: frozen.Logger}
	r.report.Participants = make([]ParticipantReport, len(r.work))
	r.progress.Participants = len(r.work)
	return r
}

// openApps readies the apps that targets need.
func (r *runner) openApps(targets []Target) {
	for _, t := range targets {
		if r.apps[t.App] != nil || t.ConnectionID == "" {
			continue
		}
		client := r.fetcher.Clients[t.App]
		if client == nil {
			continue // said by eligible: it stops nobody else
		}
		gate := call.Settings{
			App: t.App, Client: client, Budget: r.fetcher.Budget, Quota: r.run.Quota,
			CallsPerHour: r.fetcher.CallsPerHour, Concurrency: r.fetcher.Concurrency,
			Jitter: r.jitter, Now: r.fetcher.Now, Logger: r.fetcher.Logger,
		}
		if r.fetcher.Reached != nil {
			gate.Reached = func() { r.fetcher.Reached(t.App) }
		}
		r.apps[t.App] = call.NewGate(gate)
	}
}

// sumApps adds to the report what is no participant's: calls that looked whether
// an app answers, and which apps were given up.
func (r *runner) sumApps() {
	for _, name := range slices.Sorted(maps.Keys(r.apps)) {
		gate := r.apps[name]
		r.report.Calls += gate.Looks()
		if err := gate.Over(); err != nil {
			r.report.Over = append(r.report.Over, err)
		}
	}
}

// byParticipant groups targets, in the order of the participants' ids.
func byParticipant(targets []Target) (groups [][]Target) {
	sorted := slices.Clone(targets)
	slices.SortStableFunc(sorted, func(a, b Target) int { return strings.Compare(a.ParticipantID, b.ParticipantID) })
	for _, t := range sorted {
		if n := len(groups); n > 0 && groups[n-1][0].ParticipantID == t.ParticipantID {
			groups[n-1] = append(groups[n-1], t)
		} else {
			groups = append(groups, []Target{t})
		}
	}
	return groups
}

// turns returns when each participant of r.work is to be begun.
func (r *runner) turns() []plan.Turn {
	turns := make([]plan.Turn, len(r.work))
	for i, targets := range r.work {
		turns[i].Finished = true
		for _, t := range targets {
			if t.ConnectionID != "" && !t.Consented.Empty() {
				turns[i] = turns[i].Through(r.state(t), t.Tried)
			}
		}
	}
	return turns
}

// state is all that a plan for t is made from.
func (r *runner) state(t Target) plan.State {
	return plan.State{
		Job: r.run.Job, ParticipantID: t.ParticipantID, Consented: t.Consented,
		Held:      r.index.Held(t.ParticipantID, t.ConnectionID),
		Resources: r.fetcher.Resources, Now: r.fetcher.Now(),
	}
}

// fetchAll fetches the participants at indexes of r.work, which share an app, so
// many at a time.
func (r *runner) fetchAll(ctx context.Context, indexes []int, active int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(active)
	for _, i := range indexes {
		group.Go(func() error {
			p := participant{runner: r, targets: r.work[i]}
			p.report.ParticipantID = p.targets[0].ParticipantID
			err := p.fetch(ctx)
			r.report.Participants[i] = p.report
			r.advance(Progress{ParticipantsDone: 1})
			return err
		})
	}
	return group.Wait()
}

// jitter returns a time between half of d and d.
func (r *runner) jitter(d time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return d/2 + time.Duration(r.fetcher.Rand.Int64N(int64(d/2)+1))
}

// chance returns any number from 0 to n-1.
func (r *runner) chance(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fetcher.Rand.IntN(n)
}

// advance adds to the progress and tells it.
func (r *runner) advance(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.ParticipantsDone += p.ParticipantsDone
	r.progress.add(p.Counts)
	if r.fetcher.Progress != nil {
		r.fetcher.Progress(r.progress)
	}
}

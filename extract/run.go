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
)

const (
	defaultCallsPerHour = 54_000
	defaultConcurrency  = 16

	// activeParticipants are fetched at a time, per app, but in a sync. Few, so that the log
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
	defer r.keepIndex(ctx)
	byApp := map[string][]int{}
	for _, i := range plan.InOrder(r.turns()) {
		byApp[r.work[i][0].App] = append(byApp[r.work[i][0].App], i)
	}
	bounded, release := run.bounded(ctx)
	defer release()
	all, groupCtx := errgroup.WithContext(bounded)
	for _, indexes := range byApp {
		all.Go(func() error { return r.fetchAll(groupCtx, indexes, r.participantsAtWork()) })
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
	if run.Job.Since.IsZero() { // what another run is answered meanwhile is not asked again
		run.Job.Since = frozen.Now().Add(1)
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
		Reached:   r.index.Reached(t.ParticipantID, t.SameAccount),
		Resources: r.fetcher.Resources, Now: r.fetcher.Now(),
	}
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

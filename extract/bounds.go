package extract

import (
	"context"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/plan"
)

// callsOfDailySync is what a participant who wears a sensor takes in a daily sync: a token,
// what there is and what is new, news and the last days of four resources, devices.
const callsOfDailySync = 12

// participantsAtWork is how many may be at work for each app, so that what there is of
// the quota does not go on beginnings. In a sync, where most take a call or two, there
// are as many as calls at a time.
func (r *runner) participantsAtWork() int {
	most := activeParticipants
	if r.run.Mode == plan.Sync {
		most = r.fetcher.Concurrency
	}
	if q := r.run.Quota; q != nil {
		most = min(most, max(1, q.Max/(callsOfDailySync*max(1, len(r.apps)))))
	}
	return most
}

// bounded returns a context that ends, with a *StopError as its cause, when the
// run has used up its calls or its time.
func (r Run) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancelCause(ctx)
	r.Quota.WhenOver(stop)
	if r.MaxDuration <= 0 {
		return ctx, func() { stop(nil) }
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.MaxDuration, &call.StopError{Duration: r.MaxDuration})
	return ctx, func() { cancel(); stop(nil) }
}

package extract

import (
	"context"

	"github.com/dexetl/dexetl/extract/call"
)

// callsOfDailySync is what a participant who wears a sensor takes in a daily sync: a token,
// what there is and what is new, news and the last days of four resources, devices.
const callsOfDailySync = 12

// participantsAtWork is how many may be at work for each of so many apps, so that what
// there is of q does not go on beginnings.
func participantsAtWork(q *call.Quota, apps int) int {
	if q == nil {
		return activeParticipants
	}
	return min(activeParticipants, max(1, q.Max/(callsOfDailySync*max(1, apps))))
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

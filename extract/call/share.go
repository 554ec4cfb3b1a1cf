package call

import (
	"context"
	"time"
)

// budgetPoll is how often somebody who waits for the budget looks whether there
// is some before it was expected: another run may have ended.
const budgetPoll = 15 * time.Second

// Budget grants up to n calls of an app that may make perHour in an hour, over
// all processes. Those granted are to be made within wait; granted none, the
// caller asks again after it at the latest.
type Budget interface {
	TakeCalls(ctx context.Context, app string, n, perHour int) (granted int, wait time.Duration, err error)
}

// A BackfillBudget leaves to syncs what they need of the budget it is made from:
// a tenth of the hour's calls always, so that a sync which begins when backfills
// have used up theirs need not wait for the hour to end; and half of them while a
// sync is under way.
type BackfillBudget struct {
	Budget       Budget
	SyncUnderWay func(ctx context.Context) (bool, error)
}

// TakeCalls grants calls as the budget does, out of the smaller share.
func (b BackfillBudget) TakeCalls(ctx context.Context, app string, n, perHour int) (granted int, wait time.Duration, err error) {
	underWay, err := b.SyncUnderWay(ctx)
	if err != nil {
		return 0, 0, err
	}
	share := BackfillCallsPerHour(perHour)
	if underWay {
		share = max(1, perHour/2)
	}
	return b.Budget.TakeCalls(ctx, app, n, share)
}

// BackfillCallsPerHour is how many of an app's calls per hour backfills may make
// while no sync is under way.
func BackfillCallsPerHour(perHour int) int { return max(1, perHour-perHour/10) }

// WaitForCall waits until the budget grants one call of an app that may make
// perHour in an hour; waiting is called before it waits.
func WaitForCall(ctx context.Context, b Budget, app string, perHour int, waiting func()) error {
	for first := true; ; first = false {
		granted, wait, err := b.TakeCalls(ctx, app, 1, perHour)
		if granted > 0 || err != nil {
			return err
		}
		if first {
			waiting()
		}
		if err := Sleep(ctx, min(max(wait, time.Second), budgetPoll)); err != nil {
			return err
		}
	}
}

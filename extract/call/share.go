package call

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// budgetPoll is how often somebody who waits for the budget looks whether there
// is some before it was expected: another run may have ended.
const budgetPoll = 15 * time.Second

// Budget grants up to n of an app's calls for a share of them, over all processes.
// Those granted are to be made within wait; granted none, the caller asks again after
// it at the latest. CallRefused tells it of a call that was refused as one too many.
type Budget interface {
	TakeCalls(ctx context.Context, app string, n int, of state.Share) (granted int, wait time.Duration, err error)
	CallRefused(ctx context.Context, app string) error
}

// ShareOf is what a job may make of an app that may make perHour calls in an hour: half
// of them at once.
func ShareOf(perHour int) state.Share {
	return state.Share{PerHour: perHour, AtOnce: (perHour + 1) / 2}
}

// BackfillShare is what a backfill may make while no sync is under way: a tenth less, of
// those at once. So a sync that begins when backfills have used up theirs finds that many
// which it need not wait for.
func BackfillShare(perHour int) state.Share {
	s := ShareOf(perHour)
	return state.Share{PerHour: max(1, s.PerHour-perHour/10), AtOnce: max(1, s.AtOnce-perHour/10)}
}

// A BackfillBudget leaves to syncs what they need of the budget it is made from, see
// BackfillShare; and half of the hour's calls while a sync is under way.
type BackfillBudget struct {
	Budget
	SyncUnderWay func(ctx context.Context) (bool, error)
}

// TakeCalls grants calls as the budget does, out of the smaller share.
func (b BackfillBudget) TakeCalls(ctx context.Context, app string, n int, whole state.Share) (granted int, wait time.Duration, err error) {
	underWay, err := b.SyncUnderWay(ctx)
	if err != nil {
		return 0, 0, err
	}
	share := BackfillShare(whole.PerHour)
	if underWay {
		share.PerHour = max(1, whole.PerHour/2)
	}
	return b.Budget.TakeCalls(ctx, app, n, share)
}

// WaitForCall waits until the budget grants one call of an app that may make
// perHour in an hour; waiting is called before it waits.
func WaitForCall(ctx context.Context, b Budget, app string, perHour int, waiting func()) error {
	for first := true; ; first = false {
		granted, wait, err := b.TakeCalls(ctx, app, 1, ShareOf(perHour))
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

package call

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// paceBatch is how many calls are taken from the shared budget at once, of a large one.
const paceBatch = 16

// An aim is what somebody wants to pass the gate for.
type aim int

const (
	toAsk  aim = iota // for a token, or to begin with a request: it takes no call
	toCall            // to send a request, which takes one
	toLook            // to see whether an outage is over, which holds it back no more
)

// A hold is why a request has to wait: for an outage to end, or for so long. The zero
// hold is none.
type hold struct {
	outage *episode
	wait   time.Duration
}

// whyNot returns what is in the way of a request now; the error says that it is for
// good. If nothing is, and it takes a call, that was taken from the budget.
func (g *Gate) whyNot(ctx context.Context, to aim) (hold, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pause := time.Until(g.limit.until)
	switch {
	case g.gaveUp != nil:
		return hold{}, g.gaveUp
	case g.outage.under != nil && to != toLook:
		return hold{outage: g.outage.under}, nil
	case pause > 0:
		return hold{wait: pause}, nil
	case to == toAsk || g.of.Budget == nil:
		return hold{}, nil
	}
	wait, err := g.takeCall(ctx)
	return hold{wait: wait}, err
}

// pass returns when nothing is in the way any more. Waited reports whether an outage
// was.
func (g *Gate) pass(ctx context.Context, to aim) (waited bool, err error) {
	for {
		why, err := g.whyNot(ctx, to)
		switch {
		case err != nil || why == hold{}:
			return waited, err
		case why.outage != nil:
			var was bool
			was, err = g.sitOut(ctx, why.outage)
			waited = waited || was
		default:
			err = Sleep(ctx, why.wait)
		}
		if err != nil {
			return waited, err
		}
	}
}

// open returns when requests of the app make sense. No token is asked for before.
func (g *Gate) open(ctx context.Context) (waited bool, err error) { return g.pass(ctx, toAsk) }

// granted is what is left of the calls that the shared budget granted.
type granted struct {
	calls   int
	expires time.Time // when they are lost
	told    bool      // that there was a time when it granted nothing
	usedUp  bool      // it granted nothing when last asked
	again   time.Time // when it is to be asked again
}

// takeCall takes a call that was granted, or returns how long to wait before trying
// again. A small budget is taken from call by call, because what is not used in time is
// lost. The caller holds mu.
func (g *Gate) takeCall(ctx context.Context) (time.Duration, error) {
	b, began := &g.budget, time.Now()
	if b.calls > 0 && began.Before(b.expires) {
		b.calls--
		return 0, nil
	}
	if b.usedUp && began.Before(b.again) {
		return b.again.Sub(began), nil // one of those who wait asks for all
	}
	batch := min(paceBatch, max(1, g.of.CallsPerHour/1000))
	calls, wait, err := g.of.Budget.TakeCalls(ctx, g.of.App, batch, ShareOf(g.of.CallsPerHour))
	if err != nil {
		return 0, FatalError{fmt.Errorf("call budget of app %s: %w", g.of.App, err)}
	}
	if calls > 0 {
		*b = granted{calls: calls - 1, expires: began.Add(wait), told: b.told}
		return 0, nil
	}
	level := slog.LevelWarn
	if b.told {
		level = slog.LevelDebug
	}
	g.of.Logger.Log(ctx, level, "app waits: the calls that the hour allows at once are used up, the others are spread over it", "app", g.of.App, "until", g.of.Now().UTC().Add(wait).Truncate(time.Second))
	wait = min(max(wait, time.Second), budgetPoll)
	*b = granted{usedUp: true, again: began.Add(wait), told: true}
	return wait, nil
}

// Sleep waits for d or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

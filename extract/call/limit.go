package call

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	maxBackoff = 10 * time.Minute // the longest pause of our own

	// maxPatience is for how long a run waits for an app, if it lasts as long.
	maxPatience = 30 * time.Minute
)

// patience is how long ctx's run may wait for something before it is of no use.
func patience(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(maxPatience, time.Until(end))
	}
	return maxPatience
}

// refusals are the pauses of an app whose API refuses calls as too many.
type refusals struct {
	until time.Time // no call before
	row   time.Time // when the first pause of those in a row began
	last  time.Time // when the last one did
	inRow int       // pauses in a row
}

// tooMany returns err as a refusal of a call as one too many, else nil.
func tooMany(err error) *dexcom.StatusError {
	if status, ok := errors.AsType[*dexcom.StatusError](err); ok && status.Code == http.StatusTooManyRequests {
		return status
	}
	return nil
}

// refused pauses the app after a call that began at sent was refused as one too many.
// Calls that began before the pause of another were refused for the same reason and
// count as one refusal. When pauses in a row would last longer than the run of ctx may
// wait, the app is given up for this run: a *LimitError around cause.
func (g *Gate) refused(ctx context.Context, sent time.Time, cause *dexcom.StatusError) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gaveUp != nil {
		return g.gaveUp
	}
	l, now, pause := &g.limit, time.Now(), cause.RetryAfter
	another := !sent.Before(l.last)
	if another {
		if l.inRow == 0 {
			l.row = now
		}
		l.inRow++
		l.last = now
		pause = max(pause, g.of.Jitter(min(time.Second<<min(l.inRow, 10), maxBackoff)))
	}
	if another && now.Add(pause).Sub(l.row) > maxPatience || pause > patience(ctx) {
		limit := &LimitError{App: g.of.App, Err: cause}
		if cause.RetryAfter > 0 {
			limit.Until = g.of.Now().UTC().Add(cause.RetryAfter)
		}
		g.gaveUp = limit
		return limit
	}
	if until := now.Add(pause); until.After(l.until) {
		l.until = until
	}
	if !another {
		return nil
	}
	g.of.Logger.Warn("app paused: the API refuses calls as too many", "app", g.of.App, "pause", l.until.Sub(now).Round(time.Second))
	return g.endBurst(ctx)
}

// endBurst lets nobody call as fast as answers come for an hour, us with what was granted
// least of all. The caller holds mu.
func (g *Gate) endBurst(ctx context.Context) error {
	if g.of.Budget == nil {
		return nil
	}
	g.budget.calls = 0
	if err := g.of.Budget.CallRefused(ctx, g.of.App); err != nil {
		return FatalError{fmt.Errorf("call budget of app %s: %w", g.of.App, err)}
	}
	return nil
}

// accepted notes that the API took a call.
func (g *Gate) accepted() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit.inRow = 0
}

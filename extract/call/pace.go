package call

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	paceBurst = 1000 // calls that may follow each other without a pause
	paceBatch = 16   // calls taken from the shared budget at once, of a large one

	maxBackoff = 10 * time.Minute // the longest pause of our own
)

// A pace is the one pace of an app, for all its participants: a steady rate, the
// budget shared with other processes, and pauses when the API says so. Waits are
// measured by the process's own clock.
type pace struct {
	of      *Settings
	limiter *rate.Limiter

	mu      sync.Mutex
	granted int       // calls taken from the budget and not made yet
	expires time.Time // when what is left of them is lost
	dry     bool      // the budget granted nothing when last asked
	again   time.Time // when it is to be asked again
	until   time.Time // no call before
	row     time.Time // when the first pause of those in a row began
	paused  time.Time // when the last one did
	pauses  int       // in a row
	gaveUp  error     // a *LimitError; no call is made any more
}

func newPace(of *Settings) *pace {
	limit := rate.Limit(float64(of.CallsPerHour) / time.Hour.Seconds())
	return &pace{of: of, limiter: rate.NewLimiter(limit, min(paceBurst, of.CallsPerHour))}
}

// wait returns when a call may be made.
func (p *pace) wait(ctx context.Context) error {
	// Not Wait: it gives up at once when the deadline would pass before the turn
	// comes, as if something had failed.
	turn := p.limiter.Reserve()
	if err := Sleep(ctx, turn.Delay()); err != nil {
		turn.Cancel()
		return err
	}
	return untilReady(ctx, func() (time.Duration, error) { return p.take(ctx) })
}

// open returns when the app is not paused. It takes no call.
func (p *pace) open(ctx context.Context) error {
	return untilReady(ctx, func() (time.Duration, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.pause()
	})
}

// untilReady waits for as long as ready says, until it says nothing.
func untilReady(ctx context.Context, ready func() (time.Duration, error)) error {
	for {
		delay, err := ready()
		if err != nil || delay <= 0 {
			return err
		}
		if err := Sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// pause is how long the app is paused for. The caller holds mu.
func (p *pace) pause() (time.Duration, error) {
	if p.gaveUp != nil {
		return 0, p.gaveUp
	}
	return max(0, time.Until(p.until)), nil
}

// take takes a call, or returns how long to wait before trying again.
func (p *pace) take(ctx context.Context) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pause, err := p.pause(); pause > 0 || err != nil {
		return pause, err
	}
	if p.of.Budget == nil {
		return 0, nil
	}
	delay, err := p.fill(ctx)
	if delay > 0 || err != nil {
		return delay, err
	}
	p.granted--
	return 0, nil
}

// fill sees to it that there is a granted call that may still be made, or
// returns how long to wait before trying again. A small budget is taken from call
// by call, because what is not used in time is lost.
func (p *pace) fill(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	if p.granted > 0 && began.Before(p.expires) {
		return 0, nil
	}
	if p.dry && began.Before(p.again) {
		return p.again.Sub(began), nil // one of those who wait asks for all
	}
	batch := min(paceBatch, max(1, p.of.CallsPerHour/1000))
	granted, wait, err := p.of.Budget.TakeCalls(ctx, p.of.App, batch, p.of.CallsPerHour)
	if err != nil {
		return 0, FatalError{fmt.Errorf("call budget of app %s: %w", p.of.App, err)}
	}
	p.granted, p.expires = granted, began.Add(wait)
	if granted > 0 {
		p.dry = false
		return 0, nil
	}
	level := slog.LevelDebug
	if !p.dry {
		level = slog.LevelWarn
	}
	p.dry = true
	p.of.Logger.Log(ctx, level, "app waits: the calls of this hour are used up", "app", p.of.App, "until", p.of.Now().UTC().Add(wait).Truncate(time.Second))
	wait = min(max(wait, time.Second), budgetPoll)
	p.again = began.Add(wait)
	return wait, nil
}

// refused pauses the app after a call that began at sent was refused as one too
// many; retryAfter is what the API asked for, zero if nothing. Calls that began
// before the pause of another were refused for the same reason and count as one
// refusal. When pauses in a row would last longer than the run of ctx may wait,
// the app is given up for this run: a *LimitError around cause.
func (p *pace) refused(ctx context.Context, sent time.Time, retryAfter time.Duration, cause error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gaveUp != nil {
		return p.gaveUp
	}
	now, pause, another := time.Now(), retryAfter, !sent.Before(p.paused)
	if another {
		if p.pauses == 0 {
			p.row = now
		}
		p.pauses++
		p.paused = now
		pause = max(pause, p.of.Jitter(min(time.Second<<min(p.pauses, 10), maxBackoff)))
	}
	if another && now.Add(pause).Sub(p.row) > maxPatience || pause > patience(ctx) {
		limit := &LimitError{App: p.of.App, Err: cause}
		if retryAfter > 0 {
			limit.Until = p.of.Now().UTC().Add(retryAfter)
		}
		p.gaveUp = limit
		return limit
	}
	if until := now.Add(pause); until.After(p.until) {
		p.until = until
	}
	if another {
		p.of.Logger.Warn("app paused: the API refuses calls as too many", "app", p.of.App, "pause", p.until.Sub(now).Round(time.Second))
	}
	return nil
}

// over returns why the app was given up, nil if it was not.
func (p *pace) over() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gaveUp
}

// accepted notes that the API took a call.
func (p *pace) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauses = 0
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

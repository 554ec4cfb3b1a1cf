package extract

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

	maxPause   = time.Hour        // the longest Retry-After that is believed
	maxBackoff = 10 * time.Minute // the longest pause of our own
	maxPauses  = 12               // refused so often in a row, we give up
)

// A pace is the one pace of an app, for all its participants: a steady rate, the
// budget shared with other processes, and pauses when the API says so. Waits are
// measured by the process's own clock.
type pace struct {
	app     string
	perHour int
	budget  Budget // nil: this process is alone
	limiter *rate.Limiter
	jitter  func(time.Duration) time.Duration
	now     func() time.Time // for what is said to people
	logger  *slog.Logger

	mu      sync.Mutex
	granted int       // calls taken from the budget and not made yet
	expires time.Time // when what is left of them is lost
	dry     bool      // the budget granted nothing when last asked
	again   time.Time // when it is to be asked again
	until   time.Time // no call before
	paused  time.Time // when the last pause began
	pauses  int       // in a row
	gaveUp  error     // a *LimitError; no call is made any more
}

func newPace(app string, perHour int, budget Budget) *pace {
	limit := rate.Limit(float64(perHour) / time.Hour.Seconds())
	return &pace{app: app, perHour: perHour, budget: budget, now: time.Now, limiter: rate.NewLimiter(limit, min(paceBurst, perHour))}
}

// wait returns when a call may be made.
func (p *pace) wait(ctx context.Context) error {
	// Not Wait: it gives up at once when the deadline would pass before the turn
	// comes, as if something had failed.
	turn := p.limiter.Reserve()
	if err := sleep(ctx, turn.Delay()); err != nil {
		turn.Cancel()
		return err
	}
	for {
		delay, err := p.take(ctx)
		if err != nil {
			return err
		}
		if delay <= 0 {
			return nil
		}
		if err := sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// take takes a call, or returns how long to wait before trying again.
func (p *pace) take(ctx context.Context) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gaveUp != nil {
		return 0, p.gaveUp
	}
	if pause := time.Until(p.until); pause > 0 {
		return pause, nil
	}
	if p.budget == nil {
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
	batch := min(paceBatch, max(1, p.perHour/1000))
	granted, wait, err := p.budget.TakeCalls(ctx, p.app, batch, p.perHour)
	if err != nil {
		return 0, fatalError{fmt.Errorf("call budget of app %s: %w", p.app, err)}
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
	p.logger.Log(ctx, level, "app waits: the calls of this hour are used up", "app", p.app, "until", p.now().UTC().Add(wait).Truncate(time.Second))
	wait = min(max(wait, time.Second), budgetPoll)
	p.again = began.Add(wait)
	return wait, nil
}

// refused pauses the app after a call that began at sent was refused as one too
// many; retryAfter is what the API asked for, zero if nothing. Calls that began
// before the pause of another were refused for the same reason and count as one
// refusal. Too many in a row are a *LimitError around cause.
func (p *pace) refused(sent time.Time, retryAfter time.Duration, cause error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.until = latest(p.until, now.Add(min(retryAfter, maxPause)))
	if sent.Before(p.paused) {
		return nil
	}
	if p.pauses++; p.pauses > maxPauses {
		p.gaveUp = &LimitError{p.app, cause}
		return p.gaveUp
	}
	p.paused = now
	if retryAfter == 0 {
		p.until = latest(p.until, now.Add(p.jitter(min(time.Second<<p.pauses, maxBackoff))))
	}
	p.logger.Warn("app paused: the API refuses calls as too many", "app", p.app, "pause", p.until.Sub(now).Round(time.Second))
	return nil
}

// accepted notes that the API took a call.
func (p *pace) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauses = 0
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

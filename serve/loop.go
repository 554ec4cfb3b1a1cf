package serve

import (
	"context"
	"math/rand/v2"
	"time"
)

// An Outcome is what a run came to.
type Outcome struct {
	Code    int    // exit code the same run would have as a command
	Message string // in plain words, "" if there is nothing to say; names no participant
	Calls   int    // requests sent
	Records int    // in the answers
}

// A Loop runs a job again and again, never two at a time. Its fields are set
// before use and then frozen.
type Loop struct {
	Every  time.Duration // from the start of one run to that of the next
	Jitter time.Duration // a run starts up to so much later, so that studies on one clock do not call at the same second
	Last   time.Time     // when the run before this process started; zero: never
	Work   func(ctx context.Context) Outcome
	Status *Status
	Rand   *rand.Rand // draws the jitter
}

// Run runs the job until ctx ends: at once if a run is overdue, and after a
// run that took longer than Every. It returns when the run in hand, which ctx
// interrupts, has ended.
func (l *Loop) Run(ctx context.Context) {
	last := l.Last
	for {
		next := l.next(last)
		l.Status.wait(next)
		if !sleepUntil(ctx, next) {
			return
		}
		last = time.Now()
		l.Status.begin(last)
		outcome := l.Work(ctx)
		l.Status.end(time.Now(), outcome)
		if ctx.Err() != nil {
			return
		}
	}
}

// next returns when the run after the one that started at last is due: now, if
// last is by a clock that was ahead.
func (l *Loop) next(last time.Time) time.Time {
	if now := time.Now(); last.IsZero() || last.After(now) {
		return now
	}
	due := last.Add(l.Every)
	if l.Jitter > 0 {
		due = due.Add(time.Duration(l.Rand.Int64N(int64(l.Jitter))))
	}
	return due
}

// sleepUntil reports whether at came before ctx ended.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

package extract

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

func testPace(perHour int, budget Budget) *pace {
	p := newPace("us", perHour, budget)
	p.jitter = func(d time.Duration) time.Duration { return d }
	p.logger = slog.New(slog.DiscardHandler)
	return p
}

// waits makes n calls and returns how long that took.
func waits(t *testing.T, p *pace, n int) time.Duration {
	t.Helper()
	start := time.Now()
	for range n {
		if err := p.wait(t.Context()); err != nil {
			t.Fatalf("wait: %v", err)
		}
	}
	return time.Since(start)
}

func TestPaceKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPace(3600, nil)
		if took := waits(t, p, paceBurst); took > 0 {
			t.Errorf("a burst of %d calls took %v, want none", paceBurst, took)
		}
		if took := waits(t, p, 100); took < 99*time.Second || took > 101*time.Second {
			t.Errorf("100 calls at one a second took %v", took)
		}
	})
}

// Two processes together stay within the budget, and each goes on when there is
// budget again.
func TestPaceSharesTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := &fakeBudget{}
		var wg sync.WaitGroup
		start := time.Now()
		for range 2 {
			wg.Go(func() { waits(t, testPace(100, budget), 150) })
		}
		wg.Wait()
		if took := time.Since(start); took < 2*time.Hour || took > 4*time.Hour {
			t.Errorf("300 calls at 100 an hour took %v, want 2 to 4 hours", took)
		}
	})
}

// Calls that were granted and not made in time are lost: others may have used up
// the hour in which they would count.
func TestPaceDropsOldGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := &fakeBudget{start: time.Now().Add(-time.Hour + 30*time.Second)} // a grant is good for 30 s
		p := testPace(16_000, budget)
		waits(t, p, 1)
		if budget.used != paceBatch {
			t.Fatalf("the first call took %d from the budget, want a batch of %d", budget.used, paceBatch)
		}
		time.Sleep(29 * time.Second)
		waits(t, p, 1)
		if budget.used != paceBatch {
			t.Errorf("the second call, in time, took %d more from the budget", budget.used-paceBatch)
		}
		time.Sleep(2 * time.Second)
		budget.used = 0
		waits(t, p, 1)
		if budget.used != paceBatch {
			t.Errorf("the third call, too late for the first batch, took %d from the budget, want %d", budget.used, paceBatch)
		}
	})
}

func TestPaceRefused(t *testing.T) {
	cause := &dexcom.StatusError{Code: 429}
	for _, tt := range []struct {
		name  string
		after []time.Duration // Retry-After of refusals one after the other
		want  time.Duration   // that they pause in all
	}{
		{"seconds", []time.Duration{90 * time.Second}, 90 * time.Second},
		{"too long", []time.Duration{48 * time.Hour}, maxPause},
		{"none", []time.Duration{0}, 2 * time.Second},
		{"none, three times", []time.Duration{0, 0, 0}, 14 * time.Second},
		{"both", []time.Duration{0, time.Minute}, 62 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := testPace(3600, nil)
			start := time.Now()
			for _, after := range tt.after {
				waits(t, p, 1)
				sent := time.Now()
				for range 5 { // at the same time: one refusal
					if err := p.refused(sent, after, cause); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Nanosecond)
					sent = sent.Add(-time.Second)
				}
			}
			waits(t, p, 1)
			if got := time.Since(start).Round(time.Second); got != tt.want {
				t.Errorf("%s: paused %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

func TestPaceGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPace(3600, nil)
		cause := &dexcom.StatusError{Code: 429}
		n := 0
		for {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n == 5 {
				p.accepted() // and counting starts again
			}
			err := p.refused(time.Now(), 0, cause)
			if n++; err == nil {
				continue
			}
			var limit *LimitError
			if !errors.As(err, &limit) || !errors.Is(err, cause) || n != 5+maxPauses+1 {
				t.Errorf("refusal %d: %v; want a *LimitError at %d", n, err, 5+maxPauses+1)
			}
			break
		}
		if err := p.wait(t.Context()); !isLimit(err) {
			t.Errorf("wait after giving up: %v, want a *LimitError at once", err)
		}
	})
}

func TestPaceWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPace(3600, &fakeBudget{start: time.Now(), used: 3600})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait: %v, want %v", err, context.DeadlineExceeded)
		}
		waits(t, testPace(1, nil), 1)
		slow := testPace(1, nil)
		waits(t, slow, 1)
		if err := slow.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait for a turn after the deadline: %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

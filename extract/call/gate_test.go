package call

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

// fakeBudget grants perHour calls in an hour.
type fakeBudget struct {
	mu    sync.Mutex
	start time.Time
	used  int

	refused int // calls, as it was told
}

func (f *fakeBudget) TakeCalls(_ context.Context, _ string, n int, of state.Share) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.start) >= time.Hour {
		f.start, f.used = time.Now(), 0
	}
	granted := min(n, of.PerHour-f.used)
	f.used += granted
	return granted, time.Until(f.start.Add(time.Hour)), nil
}

func (f *fakeBudget) CallRefused(context.Context, string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused++
	return nil
}

func testPace(perHour int, budget Budget) *Gate {
	return NewGate(Settings{
		App: "us", CallsPerHour: perHour, Budget: budget, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Jitter: func(d time.Duration) time.Duration { return d },
	})
}

// refusal is a 429 with a Retry-After.
func refusal(after time.Duration) *dexcom.StatusError {
	return &dexcom.StatusError{Code: 429, RetryAfter: after}
}

// waits makes n calls and returns how long that took.
func waits(t *testing.T, p *Gate, n int) time.Duration {
	t.Helper()
	start := time.Now()
	for range n {
		if _, err := p.pass(t.Context(), toCall); err != nil {
			t.Fatalf("wait: %v", err)
		}
	}
	return time.Since(start)
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
	for _, tt := range []struct {
		name  string
		after []time.Duration // Retry-After of refusals one after the other
		want  time.Duration   // that they pause in all
	}{
		{"seconds", []time.Duration{90 * time.Second}, 90 * time.Second},
		{"as long as may be", []time.Duration{maxPatience}, maxPatience},
		{"none", []time.Duration{0}, 2 * time.Second},
		{"none, three times", []time.Duration{0, 0, 0}, 14 * time.Second},
		{"both", []time.Duration{0, time.Minute}, 62 * time.Second},
		{"one second, over and over", []time.Duration{time.Second, time.Second, time.Second, time.Second}, 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := testPace(3600, nil)
			start := time.Now()
			for _, after := range tt.after {
				waits(t, p, 1)
				sent := time.Now()
				for range 5 { // at the same time: one refusal
					if err := p.refused(t.Context(), sent, refusal(after)); err != nil {
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

// A call that is refused as one too many ends what is granted at once, once for all that
// were under way; what was granted before is not used any more.
func TestRefusalEndsTheBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := &fakeBudget{start: time.Now()}
		p := testPace(16_000, budget)
		waits(t, p, 1)
		for range 3 {
			if err := p.refused(t.Context(), time.Now().Add(-time.Second), refusal(0)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		waits(t, p, 1)
		if budget.refused != 1 || budget.used != 2*paceBatch {
			t.Errorf("the budget was told of %d refusals and granted %d calls, want 1 and two batches of %d", budget.refused, budget.used, paceBatch)
		}
	})
}

// Who is asked to wait for longer than the run may wait does not wait at all, and
// says when to come back.
func TestPaceTooLong(t *testing.T) {
	for _, tt := range []struct {
		lasts, after time.Duration // the run, 0: for ever; Retry-After
		gives        bool
	}{
		{0, maxPatience, false}, {0, maxPatience + time.Second, true}, {0, 48 * time.Hour, true},
		{time.Minute, 59 * time.Second, false}, {time.Minute, 61 * time.Second, true}, {10 * time.Hour, maxPatience + time.Second, true},
	} {
		for _, late := range []bool{false, true} { // the refusal is of a call that was under way when another was refused
			synctest.Test(t, func(t *testing.T) {
				p, ctx, sent := testPace(3600, nil), t.Context(), time.Now()
				if tt.lasts > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.lasts)
					defer cancel()
				}
				if late {
					time.Sleep(time.Nanosecond)
					if err := p.refused(ctx, time.Now(), refusal(0)); err != nil {
						t.Fatal(err)
					}
				}
				now := time.Now()
				var limit *LimitError
				err := p.refused(ctx, sent, refusal(tt.after))
				if errors.As(err, &limit) != tt.gives || tt.gives && !limit.Until.Equal(now.Add(tt.after)) {
					t.Fatalf("run of %v asked to wait %v: %v (until %v); gives up: want %t, until then", tt.lasts, tt.after, err, limit, tt.gives)
				}
				if _, err := p.pass(ctx, toCall); (AppOver(err) != nil) != tt.gives || tt.gives && time.Since(now) > 0 {
					t.Errorf("run of %v asked to wait %v: then %v after %v", tt.lasts, tt.after, err, time.Since(now))
				}
			})
		}
	}
}

// Refused over and over, an app is given up when the pauses in a row would last
// too long; one call that is taken begins a new row.
func TestPaceGivesUp(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 5 * time.Minute, 20 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			p := testPace(3600, nil)
			cause := refusal(after)
			began := time.Now()
			for n := 0; ; n++ {
				if _, err := p.pass(t.Context(), toCall); err != nil {
					t.Fatal(err)
				}
				if n == 1 {
					p.accepted()
					began = time.Now()
				}
				err := p.refused(t.Context(), time.Now(), cause)
				if err == nil && n < 100 {
					continue
				}
				var limit *LimitError
				took := time.Since(began)
				if !errors.As(err, &limit) || !errors.Is(err, cause) || limit.Until.IsZero() != (after == 0) || took > maxPatience || took < 15*time.Minute {
					t.Errorf("Retry-After %v: refusal %d, after %v: %v; want a *LimitError before %v", after, n, took, err, maxPatience)
				}
				break
			}
			if _, err := p.pass(t.Context(), toCall); AppOver(err) == nil {
				t.Errorf("wait after giving up: %v, want a *LimitError at once", err)
			}
		})
	}
}

func TestPaceWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPace(3600, &fakeBudget{start: time.Now(), used: 3600})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.pass(ctx, toCall); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait: %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// One thing after the other may be in the way of a request: what is for good, an outage,
// a pause, the budget. A look at the API goes through an outage, and who only asks whether
// requests make sense takes nothing from the budget.
func TestWhyNot(t *testing.T) {
	gone := &OutageError{App: "us"}
	under := &episode{ended: make(chan struct{})}
	over := func(g *Gate) { g.gaveUp = gone }
	outage := func(g *Gate) { g.outage.under = under }
	paused := func(g *Gate) { g.limit.until = time.Now().Add(time.Minute) }
	empty := func(g *Gate) { g.of.Budget = &fakeBudget{start: time.Now(), used: 3600} }
	for _, tt := range []struct {
		name            string
		is              []func(*Gate)
		ask, call, look hold
		err             error
	}{
		{name: "nothing"},
		{"given up", []func(*Gate){over, outage, paused, empty}, hold{}, hold{}, hold{}, gone},
		{"outage", []func(*Gate){outage, paused, empty}, hold{outage: under}, hold{outage: under}, hold{wait: time.Minute}, nil},
		{"pause", []func(*Gate){paused, empty}, hold{wait: time.Minute}, hold{wait: time.Minute}, hold{wait: time.Minute}, nil},
		{"budget", []func(*Gate){empty}, hold{}, hold{wait: budgetPoll}, hold{wait: budgetPoll}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := testPace(3600, nil)
			for _, is := range tt.is {
				is(g)
			}
			for to, want := range map[aim]hold{toAsk: tt.ask, toCall: tt.call, toLook: tt.look} {
				if got, err := g.whyNot(t.Context(), to); got != want || err != tt.err {
					t.Errorf("%s: whyNot(%d) = %+v, %v; want %+v, %v", tt.name, to, got, err, want, tt.err)
				}
			}
		})
	}
}

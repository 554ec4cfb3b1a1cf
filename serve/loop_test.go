package serve

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// runsOf runs a loop for span and returns when its runs started, since its
// own start. A run takes the next of takes, the last again and again.
func runsOf(t *testing.T, loop Loop, span time.Duration, takes ...time.Duration) (starts []time.Duration) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	running := false
	loop.Status = &Status{}
	loop.Rand = rand.New(rand.NewPCG(1, 2))
	loop.Work = func(ctx context.Context) Outcome {
		if running {
			t.Error("two runs at a time")
		}
		running = true
		defer func() { running = false }()
		took := takes[min(len(starts), len(takes)-1)]
		starts = append(starts, time.Since(began))
		sleepUntil(ctx, time.Now().Add(took))
		return Outcome{}
	}
	loop.Run(ctx)
	return starts
}

// A run starts every so often, counted from the start of the one before; one
// that takes longer is followed at once, and none is made up for.
func TestLoopKeepsItsSchedule(t *testing.T) {
	const m = time.Minute
	for _, test := range []struct {
		name  string
		ago   time.Duration // when the last run started; 0: never
		takes []time.Duration
		want  []time.Duration
	}{
		{"first ever", 0, []time.Duration{2 * m}, []time.Duration{0, 60 * m, 120 * m}},
		{"restarted soon after a run", 10 * m, []time.Duration{2 * m}, []time.Duration{50 * m, 110 * m, 170 * m}},
		{"restarted after a long time", 500 * m, []time.Duration{2 * m}, []time.Duration{0, 60 * m, 120 * m}},
		{"restarted after the clock had been years ahead", -1000000 * m, []time.Duration{2 * m}, []time.Duration{0, 60 * m, 120 * m}},
		{"a long run", 0, []time.Duration{90 * m, 2 * m}, []time.Duration{0, 90 * m, 150 * m}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop := Loop{Every: time.Hour}
				if test.ago != 0 {
					loop.Last = time.Now().Add(-test.ago)
				}
				if got := runsOf(t, loop, 179*m, test.takes...); !slices.Equal(got, test.want) {
					t.Errorf("runs started after %v, want %v", got, test.want)
				}
			})
		})
	}
}

// Runs are up to Jitter late, not all equally, and never early.
func TestLoopIsLateByChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := runsOf(t, Loop{Every: time.Hour, Jitter: 6 * time.Minute}, 48*time.Hour, time.Second)
		late := make(map[time.Duration]bool)
		for i, at := range starts[1:] {
			pause := at - starts[i]
			if pause < time.Hour || pause >= 66*time.Minute {
				t.Errorf("run %d started %s after the one before, want 1h to 1h6m", i+1, pause)
			}
			late[pause] = true
		}
		if len(late) < 20 {
			t.Errorf("only %d different pauses in %d runs", len(late), len(starts))
		}
	})
}

// When it is told to stop, the run in hand ends first, and no other begins.
func TestLoopStopsAfterTheRunInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		runs, ended := 0, false
		loop := Loop{Every: time.Minute, Status: &Status{}, Work: func(ctx context.Context) Outcome {
			runs++
			stop()
			time.Sleep(time.Hour) // the commit in hand; the bubble's clock jumps
			ended = ctx.Err() != nil
			return Outcome{Code: 130}
		}}
		loop.Run(ctx)
		if runs != 1 || !ended {
			t.Errorf("%d runs, ended inside: %t, want 1 and true", runs, ended)
		}
	})
}

package serve

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Refreshes wait for the job in hand, and are then done together, each participant once.
func TestRunnerTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var jobs [][]string
		running := 0
		wrong := errors.New("no consent")
		r := &Runner{Log: quiet(), Fetch: func(ctx context.Context, ids []string) map[string]error {
			running++
			if running > 1 {
				t.Error("two jobs at a time")
			}
			sleepUntil(ctx, time.Now().Add(time.Second))
			running--
			jobs = append(jobs, ids)
			return map[string]error{"P002": wrong}
		}}
		var ended sync.WaitGroup
		ended.Go(func() { r.Run(ctx) })
		ended.Go(func() {
			r.InTurn(ctx, func() {
				running++
				sleepUntil(ctx, time.Now().Add(time.Minute))
				running--
			})
		})
		synctest.Wait()
		var results []<-chan Result
		for _, id := range []string{"P001", "P002", "P001"} {
			results = append(results, r.Refresh(ctx, id))
		}
		began := time.Now()
		for i, want := range []error{nil, wrong, nil} {
			if got := <-results[i]; !errors.Is(got.Err, want) || want == nil && got.Err != nil {
				t.Errorf("refresh %d: %v, want %v", i, got.Err, want)
			}
		}
		if took := time.Since(began); took < time.Minute {
			t.Errorf("done after %s, before the job in hand", took)
		}
		if !reflect.DeepEqual(jobs, [][]string{{"P001", "P002"}}) {
			t.Errorf("jobs %v", jobs)
		}
		cancel()
		ended.Wait()
		if got := <-r.Refresh(t.Context(), "P001"); !errors.Is(got.Err, ErrStopping) {
			t.Errorf("after the end: %v", got.Err)
		}
	})
}

// The end of the process is told to those who wait, and a fault to whom it hits.
func TestRunnerTellsEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &Runner{Log: quiet(), Fetch: func(ctx context.Context, ids []string) map[string]error {
			if ids[0] == "P001" {
				panic("broken")
			}
			return nil
		}}
		go r.Run(ctx)
		if got := <-r.Refresh(ctx, "P001"); got.Err == nil {
			t.Error("a fault is no error")
		}
		if got := <-r.Refresh(ctx, "P002"); got.Err != nil {
			t.Errorf("after a fault: %v", got.Err)
		}
		hold := make(chan struct{})
		go r.InTurn(ctx, func() { <-hold })
		synctest.Wait()
		late := r.Refresh(ctx, "P003")
		synctest.Wait()
		cancel()
		close(hold)
		synctest.Wait()
		if got := <-late; !errors.Is(got.Err, ErrStopping) && !errors.Is(got.Err, context.Canceled) {
			t.Errorf("at the end: %v", got.Err)
		}
	})
}

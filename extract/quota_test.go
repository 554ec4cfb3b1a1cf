package extract

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// A run that is given few calls never makes more, keeps all that was answered,
// and is gone on with by the next; together they ask for nothing twice.
func TestQuotaStopsAndResumes(t *testing.T) {
	for _, most := range []int{1, 7, 20} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			var targets []Target
			for _, id := range []string{"P1", "P2", "P3"} {
				year(api, id)
				targets = append(targets, target(id))
			}
			f := newFetcher(t, api, t.TempDir())
			for run := 0; ; run++ {
				before := len(entriesWithRanges(t, f))
				report, err := f.Run(t.Context(), Run{ID: fmt.Sprint(run), Job: plan.Job{Mode: plan.Backfill}, Quota: &call.Quota{Max: most}}, targets)
				if err != nil || report.Calls > most {
					t.Fatalf("run of %d calls: made %d, %v", most, report.Calls, err)
				}
				if kept := len(entriesWithRanges(t, f)) - before; kept != report.Calls {
					t.Errorf("run of %d calls: made %d and kept %d answers", most, report.Calls, kept)
				}
				if report.Outcome == Done {
					break
				}
				if report.Outcome != Stopped || report.Stop == nil || report.Calls != most {
					t.Fatalf("run of %d calls: outcome %s (%v) after %d calls; want stopped after all", most, report.Outcome, report.Stop, report.Calls)
				}
				if most == 1 && run > 5 {
					return // each run asks what there is and has nothing left to ask for it
				}
				if run > 100 {
					t.Fatalf("not done after %d runs of %d calls", run, most)
				}
			}
			asked := api.reset()
			if once := slices.Compact(slices.Sorted(slices.Values(asked))); len(asked) != 3*windowsOfYear || len(once) != len(asked) {
				t.Errorf("%d calls for %d windows, want %d and nothing twice", len(asked), len(once), 3*windowsOfYear)
			}
		})
	}
}

// entriesWithRanges returns all requests in the log.
func entriesWithRanges(t *testing.T, f *Fetcher) (ids []string) {
	t.Helper()
	for e, err := range f.Log.Entries(raw.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.RequestID)
	}
	return ids
}

// When the time is over no call begins, and those under way are waited for.
func TestDurationStops(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		api.delay = time.Minute
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		f.Concurrency = 2
		began := time.Now()
		report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}, MaxDuration: 5*time.Minute + time.Second}, []Target{target("P1")})
		if err != nil || report.Outcome != Stopped {
			t.Fatalf("run of 5 minutes: %s, %v; want stopped", report.Outcome, err)
		}
		if took := time.Since(began); took != 6*time.Minute || report.Answers != report.Calls {
			t.Errorf("run of 5 minutes and calls of one: took %v, %d of %d calls answered; want 6 minutes, all", took, report.Answers, report.Calls)
		}
		api.delay = 0
		mustRun(t, f, plan.Backfill, target("P1"))
		if asked := api.reset(); len(asked) != windowsOfYear {
			t.Errorf("both runs asked for %d windows, want %d", len(asked), windowsOfYear)
		}
	})
}

// A run that waits for the budget ends when its time is over.
func TestDurationEndsAWaitForTheBudget(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		f.Budget, f.CallsPerHour = &fakeBudget{start: time.Now(), used: 90}, 100
		began := time.Now()
		report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}, MaxDuration: 20 * time.Minute}, []Target{target("P1")})
		if err != nil || report.Outcome != Stopped || report.Calls != 10 || time.Since(began) != 20*time.Minute {
			t.Errorf("run with a budget of 10 calls and 20 minutes: %s after %d calls and %v, %v", report.Outcome, report.Calls, time.Since(began), err)
		}
	})
}

// Where nothing fails, three calls are enough for a backfill to get on, although a
// token has to be had first, and the same runs again fetch everything.
func TestFewCallsGetOn(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 8 {
			id := fmt.Sprint("P", i)
			api.add(id, dexcom.EGVs, time.Now().Add(-20*day), time.Now().Add(-10*day), time.Hour)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		for run := range targets {
			quota := &call.Quota{Max: 3}
			tokens := map[string]bool{}
			f.Tokens = fakeTokens{token: func(id string) (string, error) {
				if tokens[id] {
					return id, nil
				}
				tokens[id] = true // none outlived the run before
				return id, quota.Take()
			}}
			report, err := f.Run(t.Context(), Run{ID: fmt.Sprint(run), Job: plan.Job{Mode: plan.Backfill}, Quota: quota}, targets)
			if err != nil || report.Fetched != 1 {
				t.Fatalf("run %d of 3 calls: %d windows fetched, %v; want one", run, report.Fetched, err)
			}
		}
		for _, who := range targets {
			if got := len(heldRecords(t, f.Log, who.ParticipantID, dexcom.EGVs)); got != 10*24 {
				t.Errorf("%s: %d records held, want 240", who.ParticipantID, got)
			}
		}
	})
}

// A run whose time would be over before its turn to call comes is stopped, not
// failed.
func TestDurationEndsAWaitForThePace(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		year(api, "P2")
		f := newFetcher(t, api, t.TempDir())
		store, err := state.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		f.Budget, f.CallsPerHour = store, 10 // half at once, then one in twelve minutes
		report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}, MaxDuration: 20 * time.Minute}, []Target{target("P1"), target("P2")})
		if err != nil || report.Outcome != Stopped || report.Calls != 7 {
			t.Errorf("run of 20 minutes at 10 calls an hour: %s after %d calls, %v; want stopped after 7", report.Outcome, report.Calls, err)
		}
	})
}

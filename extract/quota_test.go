package extract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
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
				report, err := f.Run(t.Context(), Run{ID: fmt.Sprint(run), Mode: Backfill, Quota: &Quota{Max: most}}, targets)
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
		report, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill, MaxDuration: 5*time.Minute + time.Second}, []Target{target("P1")})
		if err != nil || report.Outcome != Stopped {
			t.Fatalf("run of 5 minutes: %s, %v; want stopped", report.Outcome, err)
		}
		if took := time.Since(began); took != 6*time.Minute || report.Answers != report.Calls {
			t.Errorf("run of 5 minutes and calls of one: took %v, %d of %d calls answered; want 6 minutes, all", took, report.Answers, report.Calls)
		}
		api.delay = 0
		mustRun(t, f, Backfill, target("P1"))
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
		report, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill, MaxDuration: 20 * time.Minute}, []Target{target("P1")})
		if err != nil || report.Outcome != Stopped || report.Calls != 10 || time.Since(began) != 20*time.Minute {
			t.Errorf("run with a budget of 10 calls and 20 minutes: %s after %d calls and %v, %v", report.Outcome, report.Calls, time.Since(began), err)
		}
	})
}

// Capped syncs come to everybody in turn, and what is unfinished comes first.
func TestStoppedRunsComeToEverybody(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 12 {
			id := fmt.Sprintf("P%02d", i)
			api.add(id, dexcom.EGVs, time.Now().Add(-20*day), time.Now().Add(-10*day), time.Hour)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, Backfill, targets...)
		asked := map[string]int{}
		for range 6 {
			time.Sleep(time.Hour)
			api.reset()
			if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Sync, Quota: &Quota{Max: 4}}, targets); err != nil {
				t.Fatal(err)
			}
			for _, name := range api.order {
				asked[name]++
			}
		}
		for _, who := range targets {
			if n := asked[who.ParticipantID+" dataRange"]; n < 1 || n > 3 { // which 4 of 6 under way get the calls is chance
				t.Errorf("%s was asked %d times in 6 syncs of 4 calls for 12 participants, want about twice", who.ParticipantID, n)
			}
		}
		// Somebody new is unfinished. With fewer calls than participants under
		// way it would be chance which of them get one.
		api.add("P99", dexcom.EGVs, time.Now().Add(-20*day), time.Now().Add(-10*day), time.Hour)
		api.reset()
		if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Sync, Quota: &Quota{Max: activeParticipants}}, append(targets, target("P99"))); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(api.order, "P99 dataRange") {
			t.Errorf("asked first were %v, want P99, of whom nothing is held", api.order)
		}
	})
}

// A participant with much to fetch leaves others their turn, also when runs are
// stopped over and over.
func TestMuchWorkStarvesNobody(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		api.add("P00", dexcom.EGVs, time.Now().Add(-12*365*day), time.Now().Add(-2*day), 3*day)
		targets := []Target{target("P00")}
		for i := range 11 {
			id := fmt.Sprintf("P%02d", i+1)
			api.add(id, dexcom.EGVs, time.Now().Add(-60*day), time.Now().Add(-2*day), 8*time.Hour)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		calls := 0
		for range 5 {
			report, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill, Quota: &Quota{Max: 30}}, targets)
			if err != nil || report.Outcome != Stopped {
				t.Fatalf("run of 30 calls: %s, %v; want stopped", report.Outcome, err)
			}
			calls += report.Calls
		}
		for _, who := range targets[1:] {
			if got := len(heldRecords(t, f.Log, who.ParticipantID, dexcom.EGVs)); got != 58*3 {
				t.Errorf("%s: %d records held after %d calls, want all 174 although P00 has 12 years", who.ParticipantID, got, calls)
			}
		}
	})
}

// Windows are asked for oldest first whatever the resource, or newest first.
func TestOrderOfWindows(t *testing.T) {
	for _, newest := range []bool{false, true} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			year(api, "P1")
			f := newFetcher(t, api, t.TempDir())
			f.Concurrency = 1
			f.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Alerts}
			if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill, NewestFirst: newest}, []Target{target("P1")}); err != nil {
				t.Fatal(err)
			}
			var starts []string
			for _, name := range api.reset() {
				start, _, _ := strings.Cut(strings.Fields(name)[2], "/")
				starts = append(starts, start)
			}
			if newest {
				slices.Reverse(starts)
			}
			if !slices.IsSorted(starts) || starts[0] == starts[len(starts)-1] {
				t.Errorf("newest first %t: windows began at %v", newest, starts)
			}
		})
	}
}

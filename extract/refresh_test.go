package extract

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// A refresh asks for the interval again, whatever is held, clipped to what is
// consented; one that was stopped goes on where it stopped.
func TestRefresh(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, plan.Backfill, target("P1"))
		api.reset()
		who := target("P1")
		end := time.Now().Truncate(time.Second).Add(-20 * day)
		who.Consented.Start = end.Add(-50 * day)
		who.Interval = plan.Window{Start: end.Add(-60 * day), End: end}
		time.Sleep(time.Minute)
		began := time.Now()
		run := Run{ID: "1", Job: plan.Job{Mode: plan.Refresh, Since: began}, Quota: &call.Quota{Max: 4}}
		report, err := f.Run(t.Context(), run, []Target{who})
		if err != nil || report.Outcome != Stopped {
			t.Fatalf("refresh of 4 calls: %s, %v; want stopped", report.Outcome, err)
		}
		if got := fmt.Sprint(report.Participants[0].Flags); got != fmt.Sprintf("[{clipped_interval of what was recorded %s only that %s is consented and asked for}]", who.Interval.Words(), plan.Window{Start: who.Consented.Start, End: end}.Words()) {
			t.Errorf("flags %s; want that the interval is clipped", got)
		}
		run.Quota = nil
		if report, err = f.Run(t.Context(), run, []Target{who}); err != nil || report.Outcome != Done {
			t.Fatalf("refresh: %s, %v; want done", report.Outcome, err)
		}
		asked := map[dexcom.Resource]plan.Windows{}
		for _, e := range entries(t, f.Log) {
			if e.Beat == plan.BeatRefresh {
				r, w := dexcom.Resource(e.Resource), plan.Window{Start: e.WindowStart, End: e.WindowEnd}
				if len(asked[r].Within(w)) > 0 {
					t.Errorf("%s %s was read twice", r, w)
				}
				asked[r] = asked[r].Union(plan.Windows{w})
			}
		}
		for _, r := range []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts} {
			if got := asked[r]; fmt.Sprint(got) != fmt.Sprint(plan.Windows{{Start: who.Consented.Start, End: end}}) {
				t.Errorf("%s: %v was read again, want %v", r, got, plan.Window{Start: who.Consented.Start, End: end})
			}
		}
		if report = mustRun(t, f, plan.Refresh, who); report.Planned != 8 {
			t.Errorf("another refresh: %d windows, want all 8 again", report.Planned)
		}
	})
}

// The deep beat comes when it is wanted, and goes on after it was stopped.
func TestDeepNow(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, now.Add(-65*day), now.Add(-10*day), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		mustRun(t, f, plan.Backfill, target("P1"))
		first := time.Now()
		time.Sleep(time.Minute)
		if report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Sync, DeepNow: true}, Quota: &call.Quota{Max: 3}}, []Target{target("P1")}); err != nil || report.Outcome != Stopped || report.Fetched != 1 {
			t.Fatalf("deep beat of 3 calls: %s, %d windows, %v; want stopped after 1", report.Outcome, report.Fetched, err)
		}
		time.Sleep(time.Minute)
		report, err := f.Run(t.Context(), Run{ID: "2", Job: plan.Job{Mode: plan.Sync, DeepNow: true, Since: first.Add(time.Second)}}, []Target{target("P1")})
		if err != nil || report.Outcome != Done || report.Fetched != 1 {
			t.Errorf("deep beat, again: %s, %d windows, %v; want done with the other", report.Outcome, report.Fetched, err)
		}
	})
}

// Of two runs at once that read the same people again, each asks what the other did
// not: what was answered since it began.
func TestRefreshesAtOnceShare(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		who := target("P1")
		who.Interval = plan.Window{Start: time.Now().Add(-60 * day).Truncate(time.Second), End: time.Now().Add(-10 * day).Truncate(time.Second)}
		folder := t.TempDir()
		one, other := newFetcher(t, api, folder), newFetcher(t, api, folder)
		mustRun(t, one, plan.Backfill, target("P1"))
		time.Sleep(time.Minute)
		api.reset()
		// The other one is through before the first one has come to the participant.
		late, all := *one, 0
		late.Claims = claimsAfter{func() {
			time.Sleep(time.Second)
			all = mustRun(t, other, plan.Refresh, who).Fetched
		}}
		if report := mustRun(t, &late, plan.Refresh, who); report.Outcome != Done || report.Fetched != 0 {
			t.Errorf("the first refresh fetched %d windows again that the other one had just read, %s", report.Fetched, report.Outcome)
		}
		time.Sleep(time.Second)
		if report := mustRun(t, one, plan.Refresh, who); all == 0 || report.Fetched != all {
			t.Errorf("a refresh after both fetched %d windows, want the %d of the interval", report.Fetched, all)
		}
	})
}

// claimsAfter are claims that are granted after something has happened.
type claimsAfter struct{ before func() }

func (c claimsAfter) Claim(context.Context, []string, string, time.Duration) (map[string]error, error) {
	c.before()
	return nil, nil
}

func (claimsAfter) Unclaim(context.Context, []string, string) error { return nil }

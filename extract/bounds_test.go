package extract

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// Nothing outside of the consented interval and the run's is requested.
func TestOnlyConsentedIsAsked(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		now := time.Now().Truncate(time.Second)
		f := newFetcher(t, api, t.TempDir())
		tg := target("P1")
		tg.Consented = plan.Window{Start: now.Add(-50*day - time.Minute), End: now.Add(-20 * day)}
		interval := plan.Window{Start: now.Add(-40 * day), End: now.Add(-5 * day)}
		if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill, Interval: interval}}, []Target{tg}); err != nil {
			t.Fatal(err)
		}
		checkWithin(t, f, tg.Consented.Intersect(interval))
		mustRun(t, f, plan.Backfill, tg)
		mustRun(t, f, plan.Sync, tg)
		checkWithin(t, f, tg.Consented)
		tg.Consented.Start = now.Add(-60 * day) // the roster was corrected
		mustRun(t, f, plan.Sync, tg)
		checkWithin(t, f, tg.Consented)
	})
}

// Where nothing is asked for because nothing can be there, the run says so.
func TestIntervalWithoutRecords(t *testing.T) {
	past := plan.Window{Start: always.Start, End: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)}
	future := plan.Window{Start: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), End: always.End}
	for _, tt := range []struct {
		run      Run
		interval plan.Window
		want     string
	}{
		{Run{Job: plan.Job{Mode: plan.Backfill, Interval: past}}, plan.Window{}, "nothing is asked for: Dexcom shows no records until 2020-01-02T00:00:00Z"},
		{Run{Job: plan.Job{Mode: plan.Backfill, Interval: future}}, plan.Window{}, "nothing is asked for: Dexcom shows no records from 2030-01-01T00:00:00Z on"},
		{Run{Job: plan.Job{Mode: plan.Refresh}}, future, "nothing from 2030-01-01T00:00:00Z on is asked for: no sensor can have recorded it yet"},
		{Run{Job: plan.Job{Mode: plan.Backfill}}, plan.Window{}, ""},
	} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			year(api, "P1")
			tg := target("P1")
			tg.Interval = tt.interval
			tt.run.ID = "1"
			report, err := newFetcher(t, api, t.TempDir()).Run(t.Context(), tt.run, []Target{tg})
			if err != nil {
				t.Fatal(err)
			}
			want := []Flag(nil)
			if tt.want != "" {
				want = []Flag{{FlagClippedInterval, tt.want}}
			}
			if got := report.Participants[0].Flags; fmt.Sprint(got) != fmt.Sprint(want) || (report.Fetched > 1) != (tt.want == "") {
				t.Errorf("%s of %v: %d windows with devices, flags %v; want %v", tt.run.Mode, tt.run.Interval, report.Fetched, got, want)
			}
		})
	}
}

// checkWithin checks that the egvs windows in the log together are w.
func checkWithin(t *testing.T, f *Fetcher, w plan.Window) {
	t.Helper()
	var asked plan.Windows
	for _, e := range entries(t, f.Log) {
		if e.Resource == string(dexcom.EGVs) {
			asked = asked.Union(plan.Windows{{Start: e.WindowStart, End: e.WindowEnd}})
		}
	}
	if len(asked) != 1 || !asked[0].Start.Equal(w.Start) || !asked[0].End.Equal(w.End) {
		t.Errorf("egvs asked for %v, want %v", asked, w)
	}
}

// A person whose account changed is asked through each connection for its own time
// alone, and the instant at which they meet belongs to the later one.
func TestTwoConnectionsThatTouch(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		meet := time.Now().Truncate(time.Second).Add(-20 * day)
		for _, account := range []string{"A", "B"} { // both go on: the phone was given away
			api.add(account, dexcom.EGVs, meet.Add(-30*day), meet.Add(18*day), time.Hour)
			api.add(account, dexcom.Alerts, meet.Add(-30*day), meet.Add(18*day), 7*time.Hour)
		}
		before, after := target("P1"), target("P1")
		before.ConnectionID, before.Consented.End = "A", meet
		after.ConnectionID, after.Consented.Start = "B", meet
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, plan.Backfill, before, after)
		time.Sleep(day)
		mustRun(t, f, plan.Sync, before, after)
		time.Sleep(31 * day)
		mustRun(t, f, plan.Sync, before, after)
		asked := map[string]plan.Windows{}
		for _, e := range entries(t, f.Log) {
			if e.Resource != string(dexcom.Devices) {
				asked[e.ConnectionID] = asked[e.ConnectionID].Union(plan.Windows{{Start: e.WindowStart, End: e.WindowEnd}})
			}
		}
		if a, b := asked["A"].Span(), asked["B"].Span(); !a.End.Equal(meet) || !b.Start.Equal(meet) {
			t.Errorf("asked through the first connection for %v, the second %v; want them to meet at %v", a, b, meet)
		}
		if got := len(heldRecords(t, f.Log, "P1", dexcom.EGVs)); got != 48*24 {
			t.Errorf("%d records held, want all %d", got, 48*24)
		}
	})
}

package extract

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Nothing outside of the consented interval and the run's is requested.
func TestOnlyConsentedIsAsked(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		now := time.Now().Truncate(time.Second)
		f := newFetcher(t, api, t.TempDir())
		tg := target("P1")
		tg.Consented = Window{now.Add(-50*day - time.Minute), now.Add(-20 * day)}
		interval := Window{now.Add(-40 * day), now.Add(-5 * day)}
		if _, err := f.Run(t.Context(), Run{ID: "1", Job: Job{Mode: Backfill, Interval: interval}}, []Target{tg}); err != nil {
			t.Fatal(err)
		}
		checkWithin(t, f, tg.Consented.Intersect(interval))
		mustRun(t, f, Backfill, tg)
		mustRun(t, f, Sync, tg)
		checkWithin(t, f, tg.Consented)
		tg.Consented.Start = now.Add(-60 * day) // the roster was corrected
		mustRun(t, f, Sync, tg)
		checkWithin(t, f, tg.Consented)
	})
}

// Where nothing is asked for because nothing can be there, the run says so.
func TestIntervalWithoutRecords(t *testing.T) {
	past := Window{always.Start, time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)}
	future := Window{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), always.End}
	for _, tt := range []struct {
		run      Run
		interval Window
		want     string
	}{
		{Run{Job: Job{Mode: Backfill, Interval: past}}, Window{}, "nothing is asked for: Dexcom shows no records until 2020-01-02T00:00:00Z"},
		{Run{Job: Job{Mode: Backfill, Interval: future}}, Window{}, "nothing is asked for: Dexcom shows no records from 2030-01-01T00:00:00Z on"},
		{Run{Job: Job{Mode: Refresh}}, future, "nothing from 2030-01-01T00:00:00Z on is asked for: no sensor can have recorded it yet"},
		{Run{Job: Job{Mode: Backfill}}, Window{}, ""},
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
func checkWithin(t *testing.T, f *Fetcher, w Window) {
	t.Helper()
	var asked Windows
	for _, e := range entries(t, f.Log) {
		if e.Resource == string(dexcom.EGVs) {
			asked = asked.Union(Windows{{e.WindowStart, e.WindowEnd}})
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
		mustRun(t, f, Backfill, before, after)
		time.Sleep(day)
		mustRun(t, f, Sync, before, after)
		time.Sleep(31 * day)
		mustRun(t, f, Sync, before, after)
		asked := map[string]Windows{}
		for _, e := range entries(t, f.Log) {
			if e.Resource != string(dexcom.Devices) {
				asked[e.ConnectionID] = asked[e.ConnectionID].Union(Windows{{e.WindowStart, e.WindowEnd}})
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

package extract

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// What came through one connection is read again through the next one to the same
// account, in one piece and once, also behind what dataRange shows by then. Of another
// account nothing is asked but what it has itself.
func TestReconnectedReadsAgainWhatCame(t *testing.T) {
	in2026(t, func(t *testing.T) {
		for _, mode := range []plan.Mode{plan.Backfill, plan.Sync} {
			api := newFake(t)
			newest := time.Now().Truncate(time.Second).Add(-day)
			first := newest.Add(-5 * day)
			for _, connection := range []string{"old", "new"} {
				api.add(connection, dexcom.Events, first, newest.Add(-2*day).Add(1), day)
			}
			api.addRecord("old", dexcom.Events, record{newest, newest})
			f := newFetcher(t, api, t.TempDir())
			f.Resources = []dexcom.Resource{dexcom.Events}
			through := func(connection string, same ...string) Target {
				of := target("P1")
				of.ConnectionID, of.SameAccount = connection, same
				return of
			}
			asked := func(of Target) (windows plan.Windows) {
				before := len(entries(t, f.Log))
				planned, _ := forecast(t, f, Run{Job: plan.Job{Mode: mode}}, of).calls()
				if report := mustRun(t, f, mode, of); planned < report.Fetched || report.Outcome != Done {
					t.Errorf("%s through %s: %s with %d windows, planned %d calls", mode, of.ConnectionID, report.Outcome, report.Fetched, planned)
				}
				for _, e := range entries(t, f.Log)[before:] {
					windows = append(windows, plan.Window{Start: e.WindowStart, End: e.WindowEnd})
				}
				return windows
			}
			asked(through("old"))
			time.Sleep(time.Hour)
			all := plan.Window{Start: first.Add(-time.Minute), End: newest.Add(time.Minute)}
			if got := asked(through("new", "old")); len(got) != 1 || got[0].String() != all.String() {
				t.Errorf("%s after a reconnect: asked for %v, want %v", mode, got, all)
			}
			time.Sleep(time.Hour)
			if got := asked(through("new", "old")); len(got) > 0 {
				t.Errorf("%s an hour later: asked for %v, want nothing", mode, got)
			}
			api.addRecord("other", dexcom.Events, record{first, first})
			its := plan.Window{Start: first.Add(-time.Minute), End: first.Add(time.Minute)}
			if got := asked(through("other")); len(got) != 1 || got[0].String() != its.String() {
				t.Errorf("%s of another account: asked for %v, want %v", mode, got, its)
			}
		}
	})
}

// Of an imported grant nobody knows whose account it leads to before it was used, and the
// first run that uses it reads again what came through a former connection to it.
func TestImportedGrantReadsAgainWhatCame(t *testing.T) {
	in2026(t, func(t *testing.T) {
		for _, mode := range []plan.Mode{plan.Backfill, plan.Sync} {
			api := newFake(t)
			newest := time.Now().Truncate(time.Second).Add(-day)
			api.add("old", dexcom.Events, newest.Add(-5*day), newest.Add(1), day)
			api.add("imported", dexcom.Events, newest.Add(-5*day), newest.Add(-2*day), day)
			f := newFetcher(t, api, t.TempDir())
			f.Resources, f.Accounts = []dexcom.Resource{dexcom.Events}, &fakeAccounts{}
			through := target("P1")
			through.ConnectionID = "old"
			mustRun(t, f, mode, through)
			before := len(entries(t, f.Log))
			time.Sleep(time.Hour)
			through.ConnectionID, f.Accounts = "imported", &fakeAccounts{others: []string{"old"}}
			mustRun(t, f, mode, through)
			var asked plan.Windows
			for _, e := range entries(t, f.Log)[before:] {
				asked = append(asked, plan.Window{Start: e.WindowStart, End: e.WindowEnd})
			}
			if end := newest.Add(time.Minute); asked.Span().End.Before(end) {
				t.Errorf("%s asked the imported grant for %v, want what came through the former connection, up to %s", mode, asked, end)
			}
		}
	})
}

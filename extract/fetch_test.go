package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

const day = 24 * time.Hour

// windowsOfYear is how many windows year takes: of egvs and alerts 13 each, of
// events 3, and devices.
const windowsOfYear = 13 + 13 + 3 + 1

// year gives a person a year of egvs and almost 90 days of events. It ended two
// days ago, so that the window of alerts no longer grows.
func year(api *fakeAPI, token string) {
	end := time.Now().Truncate(time.Second).Add(-2 * day)
	api.add(token, dexcom.EGVs, end.Add(-365*day), end, 12*time.Hour)
	api.add(token, dexcom.Events, end.Add(-100*day), end.Add(-10*day), 40*time.Hour)
}

func TestBackfillAsksFewestAndOnce(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P001")
		year(api, "P002")
		f := newFetcher(t, api, t.TempDir())
		f.Budget, f.Claims = &fakeBudget{}, &fakeClaims{}
		report := mustRun(t, f, plan.Backfill, target("P002"), target("P001"))
		for _, p := range report.Participants {
			if p.Planned != windowsOfYear || p.Fetched != windowsOfYear || p.Open != 0 || p.Calls != windowsOfYear+1 || p.Answers != windowsOfYear+1 || p.Err != nil || len(p.Flags) > 0 {
				t.Errorf("report %+v; want %d windows, all fetched, one call each and one for dataRange", p, windowsOfYear)
			}
		}
		if report.Outcome != Done || report.Participants[0].ParticipantID != "P001" {
			t.Errorf("outcome %s, first participant %s; want done, P001", report.Outcome, report.Participants[0].ParticipantID)
		}
		for _, id := range []string{"P001", "P002"} {
			if got := len(heldRecords(t, f.Log, id, dexcom.EGVs)); got != 365*2 {
				t.Errorf("%s: %d egvs held, want %d", id, got, 365*2)
			}
		}
		api.reset()
		again := mustRun(t, f, plan.Backfill, target("P001"), target("P002"))
		if asked := api.reset(); len(asked) > 0 || again.Calls != 2 || again.Outcome != Done {
			t.Errorf("second backfill asked %v in %d calls, outcome %s; want dataRange alone, done", asked, again.Calls, again.Outcome)
		}
	})
}

// Sync straight after a backfill has nothing to ask but dataRange.
func TestSyncAfterBackfill(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		api.add("P001", dexcom.EGVs, now.Add(-65*day), now.Add(-10*day), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, plan.Backfill, target("P001"))
		api.reset()
		if report := mustRun(t, f, plan.Sync, target("P001")); report.Calls != 1 || report.Planned != 0 {
			t.Errorf("sync after backfill: %+v, asked %v; want one call for dataRange", report.Counts, api.reset())
		}
	})
}

// An alert that fires because the readings have ended is fetched, whether it
// came before the backfill or between two; or by the daily work of a sync, for
// which one without news makes no call of its own.
func TestAlertsAfterTheLastReading(t *testing.T) {
	for _, mode := range []plan.Mode{plan.Backfill, plan.Sync} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			newest := time.Now().Truncate(time.Second).Add(-10 * time.Hour)
			api.add("P1", dexcom.EGVs, newest.Add(-65*day), newest.Add(1), time.Hour)
			for _, after := range []time.Duration{time.Hour, 6 * time.Hour, 12 * time.Hour, 20 * time.Hour, 25 * time.Hour} {
				api.addRecord("P1", dexcom.Alerts, record{newest.Add(after), newest.Add(after)})
			}
			f := newFetcher(t, api, t.TempDir())
			mustRun(t, f, plan.Backfill, target("P1"))
			held := func(want int) {
				t.Helper()
				if got := heldRecords(t, f.Log, "P1", dexcom.Alerts); len(got) != want {
					t.Errorf("%s %v after the newest reading: %d alerts held, want %d: %v", mode, time.Since(newest), len(got), want, got)
				}
			}
			held(2)
			if report := mustRun(t, f, plan.Backfill, target("P1")); report.Planned > 1 {
				t.Errorf("second backfill: %d windows, want a sliver of alerts at most", report.Planned)
			}
			time.Sleep(6 * time.Hour)
			if report := mustRun(t, f, mode, target("P1")); mode == plan.Sync && report.Calls != 1 {
				t.Errorf("sync without news: %d calls, want dataRange alone", report.Calls)
			}
			if mode == plan.Backfill {
				held(3)
			}
			time.Sleep(40 * time.Hour)
			mustRun(t, f, mode, target("P1"))
			held(4)
			if report := mustRun(t, f, mode, target("P1")); report.Planned != 0 {
				t.Errorf("%s two days after the newest reading, again: %d windows, want none", mode, report.Planned)
			}
		})
	}
}

// An interrupted backfill keeps what was answered, and the next one asks for the
// rest alone.
func TestInterruptedBackfillResumes(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 3, 10, 25, 40} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			for i := range 3 {
				year(api, fmt.Sprint("P", i))
			}
			f := newFetcher(t, api, t.TempDir())
			claims := &fakeClaims{}
			f.Claims = claims
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f.Progress = func(p Progress) {
				if p.Answers >= after {
					cancel()
				}
			}
			targets := []Target{target("P0"), target("P1"), target("P2")}
			report, err := f.Run(ctx, Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, targets)
			if !errors.Is(err, context.Canceled) || report.Outcome != Interrupted || report.Answers < after {
				t.Fatalf("cancelled after %d answers: %+v, outcome %s, %v; want interrupted", after, report.Counts, report.Outcome, err)
			}
			if len(claims.owner) > 0 {
				t.Errorf("cancelled after %d answers: claims %v are left", after, claims.owner)
			}
			first := answered(t, f.Log)
			api.reset()
			f.Progress = nil
			mustRun(t, f, plan.Backfill, targets...)
			for _, asked := range api.reset() {
				if slices.ContainsFunc(first, func(s string) bool { return strings.HasPrefix(s, asked+" ") }) {
					t.Errorf("cancelled after %d answers: %s was answered and asked for again", after, asked)
				}
			}
			for i := range 3 {
				if got := len(heldRecords(t, f.Log, fmt.Sprint("P", i), dexcom.EGVs)); got != 365*2 {
					t.Errorf("cancelled after %d answers: P%d has %d egvs after resuming, want %d", after, i, got, 365*2)
				}
			}
		})
	}
}

// An answer that was received when the run is cancelled is kept.
func TestCancelKeepsWhatWasReceived(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		given := 0
		api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			if r.Resource == dexcom.DataRange {
				return dexcom.Answer{}, nil, true
			}
			given++
			if given == 5 {
				cancel()
			}
			return dexcom.Answer{}, nil, true
		}
		f := newFetcher(t, api, t.TempDir())
		if _, err := f.Run(ctx, Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1")}); !errors.Is(err, context.Canceled) {
			t.Fatalf("Run: %v, want %v", err, context.Canceled)
		}
		if got := len(answered(t, f.Log)); got != given {
			t.Errorf("%d answers in the log, %d were given", got, given)
		}
	})
}

// What another process fetched before we had the claim is not asked again.
func TestClaimedThenLookedAgain(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		dir := t.TempDir()
		f, other := newFetcher(t, api, dir), newFetcher(t, api, dir)
		f.Claims = &fakeClaims{before: func(string) {
			if len(entries(t, f.Log)) == 0 {
				mustRun(t, other, plan.Backfill, target("P1"))
			}
		}}
		if report := mustRun(t, f, plan.Backfill, target("P1")); report.Calls != 1 || report.Planned != 0 {
			t.Errorf("after another process: %+v; want one call for dataRange", report.Counts)
		}
	})
}

func TestFlags(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		for _, id := range []string{"empty", "clipped"} {
			api.add(id, dexcom.EGVs, now.Add(-5*day), now, time.Hour)
		}
		api.addRecord("clipped", dexcom.EGVs, record{now.AddDate(50, 0, 0), now})
		api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{Body: []byte(`{"records":[]}`)}, nil, token != "empty" || r.Resource != dexcom.EGVs
		}
		f := newFetcher(t, api, t.TempDir())
		claims := &fakeClaims{}
		if _, err := claims.Claim(t.Context(), []string{"claimed"}, "another run", time.Hour); err != nil {
			t.Fatal(err)
		}
		f.Claims = claims
		unconsented, future, unconnected := target("unconsented"), target("future"), target("unconnected")
		unconsented.Consented, unconsented.Reason = plan.Window{}, "no study_start"
		future.Consented.Start = now.Add(day)
		unconnected.ConnectionID = ""
		report := mustRun(t, f, plan.Backfill, target("empty"), target("clipped"), target("claimed"), unconsented, future, unconnected)
		for _, p := range report.Participants {
			want := map[string]string{
				"empty": FlagEmptyWithRange, "clipped": FlagClippedRange, "claimed": FlagClaimed, "unconsented": FlagNothingConsented,
				"future": FlagNothingConsented, "unconnected": FlagNoConnection,
			}[p.ParticipantID]
			if len(p.Flags) != 1 || p.Flags[0].Kind != want || p.Flags[0].Detail == "" {
				t.Errorf("flags of %s: %v, want %s", p.ParticipantID, p.Flags, want)
			}
			if calls := p.Calls; (want == FlagNothingConsented || want == FlagClaimed || want == FlagNoConnection) && calls > 0 {
				t.Errorf("%s: %d calls, want none", p.ParticipantID, calls)
			}
		}
		if len(claims.owner) != 1 || claims.owner["claimed"] != "another run" {
			t.Errorf("claims after the run: %v, want only the other run's", claims.owner)
		}
	})
}

// Participants of a sync are claimed together, so that their claims cost little; of a
// backfill only those at work, so that another process can have the rest.
func TestClaimedTogether(t *testing.T) {
	for mode, want := range map[plan.Mode][2]int{plan.Sync: {20, 20}, plan.Backfill: {1, activeParticipants}} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			api.delay = time.Second
			var targets []Target
			for i := range 20 {
				targets = append(targets, target(fmt.Sprint("P", i)))
			}
			f := newFetcher(t, api, t.TempDir())
			claims := &fakeClaims{}
			f.Claims = claims
			mustRun(t, f, mode, targets...)
			if claims.most < want[0] || claims.most > want[1] || len(claims.owner) > 0 {
				t.Errorf("%s: %d claims at most at a time, %v left; want %d to %d, and none left", mode, claims.most, claims.owner, want[0], want[1])
			}
		})
	}
}

// A claim that is given back while it is being renewed is not left behind.
func TestRenewedWhileGivenBack(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		api.delay = claimRenew - 30*time.Second // ends while the renewal is under way
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		claims := &fakeClaims{before: func(string) { time.Sleep(time.Minute) }}
		f.Claims = claims
		if report := mustRun(t, f, plan.Backfill, target("P1")); report.Calls != 1 || len(claims.owner) > 0 {
			t.Errorf("%d calls, claims %v left; want 1 and none", report.Calls, claims.owner)
		}
	})
}

// A claim that was lost stops its participant.
func TestLostClaim(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		api.delay = 5 * time.Minute
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		f.Claims = &fakeClaims{lost: true}
		report := mustRun(t, f, plan.Backfill, target("P1"))
		if p := report.Participants[0]; !errors.Is(p.Err, errClaimLost) || report.Outcome != Partial {
			t.Errorf("claim lost: %v, outcome %s; want %v, partial", p.Err, report.Outcome, errClaimLost)
		}
	})
}

package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

const day = 24 * time.Hour

// windowsOfYear is how many windows year takes: of egvs and alerts 13 each, of
// events 3, and devices.
const windowsOfYear = 13 + 13 + 3 + 1

// year gives a person a year of egvs and almost 90 days of events. It ended two
// days ago, so that the window of alerts no longer grows.
func year(api *fakeAPI, token string) {
	end := time.Now().Truncate(time.Second).Add(-2 * day)
	api.add(token, dexcom.EGVs, end.Add(-365*day), end, 6*time.Hour)
	api.add(token, dexcom.Events, end.Add(-100*day), end.Add(-10*day), 40*time.Hour)
}

func TestBackfillAsksFewestAndOnce(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P001")
		year(api, "P002")
		f := newFetcher(t, api, t.TempDir())
		f.Budget, f.Claims = &fakeBudget{}, &fakeClaims{}
		report := mustRun(t, f, Backfill, target("P002"), target("P001"))
		for _, p := range report.Participants {
			if p.Planned != windowsOfYear || p.Fetched != windowsOfYear || p.Open != 0 || p.Calls != windowsOfYear+1 || p.Answers != windowsOfYear+1 || p.Err != nil || len(p.Flags) > 0 {
				t.Errorf("report %+v; want %d windows, all fetched, one call each and one for dataRange", p, windowsOfYear)
			}
		}
		if report.Outcome != Done || report.Participants[0].ParticipantID != "P001" {
			t.Errorf("outcome %s, first participant %s; want done, P001", report.Outcome, report.Participants[0].ParticipantID)
		}
		for _, id := range []string{"P001", "P002"} {
			if got := len(heldRecords(t, f.Log, id, dexcom.EGVs)); got != 365*4 {
				t.Errorf("%s: %d egvs held, want %d", id, got, 365*4)
			}
		}
		api.reset()
		again := mustRun(t, f, Backfill, target("P001"), target("P002"))
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
		mustRun(t, f, Backfill, target("P001"))
		api.reset()
		if report := mustRun(t, f, Sync, target("P001")); report.Calls != 1 || report.Planned != 0 {
			t.Errorf("sync after backfill: %+v, asked %v; want one call for dataRange", report.Counts, api.reset())
		}
	})
}

// An alert that fires because the readings have ended is fetched, whether it
// came before the backfill or between two; or by the daily work of a sync, for
// which one without news makes no call of its own.
func TestAlertsAfterTheLastReading(t *testing.T) {
	for _, mode := range []Mode{Backfill, Sync} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			newest := time.Now().Truncate(time.Second).Add(-10 * time.Hour)
			api.add("P1", dexcom.EGVs, newest.Add(-65*day), newest.Add(1), time.Hour)
			for _, after := range []time.Duration{time.Hour, 6 * time.Hour, 12 * time.Hour, 20 * time.Hour, 25 * time.Hour} {
				api.addRecord("P1", dexcom.Alerts, record{newest.Add(after), newest.Add(after)})
			}
			f := newFetcher(t, api, t.TempDir())
			mustRun(t, f, Backfill, target("P1"))
			held := func(want int) {
				t.Helper()
				if got := heldRecords(t, f.Log, "P1", dexcom.Alerts); len(got) != want {
					t.Errorf("%s %v after the newest reading: %d alerts held, want %d: %v", mode, time.Since(newest), len(got), want, got)
				}
			}
			held(2)
			if report := mustRun(t, f, Backfill, target("P1")); report.Planned > 1 {
				t.Errorf("second backfill: %d windows, want a sliver of alerts at most", report.Planned)
			}
			time.Sleep(6 * time.Hour)
			if report := mustRun(t, f, mode, target("P1")); mode == Sync && report.Planned != 0 {
				t.Errorf("sync without news: %d windows, want none", report.Planned)
			}
			if mode == Backfill {
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
			report, err := f.Run(ctx, Run{ID: "1", Mode: Backfill}, targets)
			if !errors.Is(err, context.Canceled) || report.Outcome != Interrupted || report.Answers < after {
				t.Fatalf("cancelled after %d answers: %+v, outcome %s, %v; want interrupted", after, report.Counts, report.Outcome, err)
			}
			if len(claims.owner) > 0 {
				t.Errorf("cancelled after %d answers: claims %v are left", after, claims.owner)
			}
			first := answered(t, f.Log)
			api.reset()
			f.Progress = nil
			mustRun(t, f, Backfill, targets...)
			for _, asked := range api.reset() {
				if slices.ContainsFunc(first, func(s string) bool { return strings.HasPrefix(s, asked+" ") }) {
					t.Errorf("cancelled after %d answers: %s was answered and asked for again", after, asked)
				}
			}
			for i := range 3 {
				if got := len(heldRecords(t, f.Log, fmt.Sprint("P", i), dexcom.EGVs)); got != 365*4 {
					t.Errorf("cancelled after %d answers: P%d has %d egvs after resuming, want %d", after, i, got, 365*4)
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
		if _, err := f.Run(ctx, Run{ID: "1", Mode: Backfill}, []Target{target("P1")}); !errors.Is(err, context.Canceled) {
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
				mustRun(t, other, Backfill, target("P1"))
			}
		}}
		if report := mustRun(t, f, Backfill, target("P1")); report.Calls != 1 || report.Planned != 0 {
			t.Errorf("after another process: %+v; want one call for dataRange", report.Counts)
		}
	})
}

// A refused token is renewed once, and told which one it was.
func TestRefusedTokenIsRenewed(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "new")
		api.fault = func(token string, _ dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 401}, token == "new"
		}
		f := newFetcher(t, api, t.TempDir())
		f.Tokens = fakeTokens{
			token: func(string) (string, error) { return "old", nil },
			renew: func(string) (string, error) { return "new", nil },
		}
		report := mustRun(t, f, Backfill, target("P1"))
		if report.Outcome != Done || report.Fetched != windowsOfYear || report.Calls != 2*(windowsOfYear+1) {
			t.Errorf("outcome %s, %+v; want done, every call repeated once", report.Outcome, report.Counts)
		}
	})
}

// Whatever goes wrong for a while, the same answers are in the log in the end.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	status := func(code int, after time.Duration) error {
		return &dexcom.StatusError{Path: "/x", Code: code, RetryAfter: after}
	}
	once := func(err error) func(string, dexcom.Request, int) (dexcom.Answer, error, bool) {
		return func(_ string, _ dexcom.Request, n int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, err, n > 0
		}
	}
	for _, tt := range []struct {
		name  string
		fault func(token string, r dexcom.Request, n int) (dexcom.Answer, error, bool)
		runs  int // until all is held
	}{
		{"none", nil, 1},
		{"500 once", once(status(500, 0)), 1},
		{"503 four times", func(_ string, _ dexcom.Request, n int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, status(503, 0), n > 3
		}, 1},
		{"503 six times", func(_ string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, status(503, 0), n > 5 || r.Resource == dexcom.DataRange
		}, 2},
		{"503 that says when", once(status(503, 40*time.Second)), 1},
		{"429 without Retry-After", once(status(429, 0)), 1},
		{"429 with Retry-After", once(status(429, 90*time.Second)), 1},
		{"429 storm", func() func(string, dexcom.Request, int) (dexcom.Answer, error, bool) {
			until := time.Time{}
			return func(string, dexcom.Request, int) (dexcom.Answer, error, bool) {
				if until.IsZero() {
					until = time.Now().Add(10 * time.Minute)
				}
				return dexcom.Answer{}, status(429, 0), time.Now().After(until)
			}
		}(), 1},
		{"reset", once(errors.New("connection reset by peer")), 1},
		{"timeout", once(fmt.Errorf("Get: %w", context.DeadlineExceeded)), 1},
		{"HTML", once(&dexcom.BodyError{Path: "/x", Reason: "is HTML, not JSON"}), 1},
		{"401 once", once(status(401, 0)), 1},
		{"empty once", func(_ string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
			if r.Resource != dexcom.EGVs {
				return dexcom.Answer{}, nil, true
			}
			return dexcom.Answer{Body: []byte(`{"records":[]}`)}, nil, n > 0
		}, 1},
		{"400 for one window", func(_ string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, status(400, 0), n > 0 || r.Resource == dexcom.DataRange
		}, 2},
		{"403 once", once(status(403, 0)), 2 + windowsOfYear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				year(api, "P001")
				f := newFetcher(t, api, t.TempDir())
				want := runUntilDone(t, f, 1)
				if len(want) != windowsOfYear {
					t.Fatalf("%d answers without faults, want %d", len(want), windowsOfYear)
				}
				api.fault = tt.fault
				api.asked = map[string]int{}
				f = newFetcher(t, api, t.TempDir())
				got := runUntilDone(t, f, tt.runs)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("answers in the log differ from those without faults (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// runUntilDone backfills P001, at most limit times, and returns the answers in
// the log.
func runUntilDone(t *testing.T, f *Fetcher, limit int) []string {
	t.Helper()
	for n := 1; ; n++ {
		report := mustRun(t, f, Backfill, target("P001"))
		if report.Outcome == Done {
			return answered(t, f.Log)
		}
		if n == limit {
			t.Fatalf("after %d runs: %s, %v; want done", n, report.Outcome, report.Participants)
		}
	}
}

// Participants that fail, each in its way, stop nobody.
func TestFailuresStayWithTheirParticipant(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		for _, id := range []string{"P1", "P2", "P3", "P4", "P5", "P6"} {
			year(api, id)
		}
		api.fault = func(token string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
			code := map[string]int{"P1": 500, "P2": 403, "P3": 401, "P4": 404}[token]
			return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: code}, code == 0 || r.Resource == dexcom.DataRange && token != "P2"
		}
		f := newFetcher(t, api, t.TempDir())
		f.Tokens = fakeTokens{token: func(c string) (string, error) {
			if c == "P5" {
				return "", &consent.NeedsReconsentError{ParticipantID: "P5"}
			}
			return c, nil
		}}
		report := mustRun(t, f, Backfill, target("P1"), target("P2"), target("P3"), target("P4"), target("P5"), target("P6"))
		want := []struct{ minCalls, maxCalls, open int }{
			{1 + windowsOfYear*tries, 1 + windowsOfYear*tries, windowsOfYear}, // each window is tried
			{1, 1, 0},                             // stopped at once
			{1 + 2, 1 + 2*12 + 12, windowsOfYear}, // what was under way, each repeated once
			{1 + windowsOfYear, 1 + windowsOfYear, windowsOfYear},
			{0, 0, 0},
			{1 + windowsOfYear, 1 + windowsOfYear, 0},
		}
		for i, p := range report.Participants {
			if p.Calls < want[i].minCalls || p.Calls > want[i].maxCalls || p.Open != want[i].open || (p.Err == nil) != (i == 5) {
				t.Errorf("%s: %d calls, %d open, %v; want %d to %d calls, %d open", p.ParticipantID, p.Calls, p.Open, p.Err, want[i].minCalls, want[i].maxCalls, want[i].open)
			}
		}
		if report.Outcome != Partial {
			t.Errorf("outcome %s, want partial", report.Outcome)
		}
	})
}

func TestOutcomes(t *testing.T) {
	noConnection := target("P2")
	noConnection.ConnectionID = ""
	for _, tt := range []struct {
		name    string
		code    func(r dexcom.Request) int // of every answer; 0: 200
		targets []Target
		want    Outcome
	}{
		{"nobody", func(dexcom.Request) int { return 0 }, nil, Done},
		{"done", func(dexcom.Request) int { return 0 }, []Target{target("P1")}, Done},
		{"server down", func(dexcom.Request) int { return 503 }, []Target{target("P1")}, Later},
		{"every window down", func(r dexcom.Request) int {
			if r.Resource != dexcom.DataRange {
				return 503
			}
			return 0
		}, []Target{target("P1")}, Later},
		{"limit", func(r dexcom.Request) int {
			if r.Resource == dexcom.Events {
				return 429
			}
			return 0
		}, []Target{target("P1")}, Later},
		{"one resource down", func(r dexcom.Request) int {
			if r.Resource == dexcom.Events {
				return 503
			}
			return 0
		}, []Target{target("P1")}, Partial},
		{"forbidden", func(dexcom.Request) int { return 403 }, []Target{target("P1")}, Partial},
		{"not connected", func(dexcom.Request) int { return 0 }, []Target{target("P1"), noConnection}, ConsentMissing},
		{"nobody connected", func(dexcom.Request) int { return 0 }, []Target{noConnection}, ConsentMissing},
		{"server down, one not connected", func(dexcom.Request) int { return 503 }, []Target{target("P1"), noConnection}, Later},
		{"limit, one not connected", func(r dexcom.Request) int {
			if r.Resource == dexcom.Events {
				return 429
			}
			return 0
		}, []Target{target("P1"), noConnection}, Later},
		{"one resource down, one not connected", func(r dexcom.Request) int {
			if r.Resource == dexcom.Events {
				return 503
			}
			return 0
		}, []Target{target("P1"), noConnection}, Partial},
		{"forbidden, one not connected", func(dexcom.Request) int { return 403 }, []Target{target("P1"), noConnection}, Partial},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				year(api, "P1")
				api.fault = func(_ string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
					code := tt.code(r)
					return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: code}, code == 0
				}
				if got := mustRun(t, newFetcher(t, api, t.TempDir()), Backfill, tt.targets...); got.Outcome != tt.want {
					t.Errorf("outcome %s of %v, want %s", got.Outcome, got.Participants, tt.want)
				}
			})
		})
	}
}

// The API is not down if it said to somebody that nothing is new.
func TestNothingDueIsThrough(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, Backfill, target("P1"))
		api.fault = func(token string, _ dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 503}, token == "P1"
		}
		if got := mustRun(t, f, Backfill, target("P1"), target("P2")); got.Outcome != Partial || got.Fetched != 0 {
			t.Errorf("outcome %s, %d windows; want partial, 0: %v", got.Outcome, got.Fetched, got.Participants)
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
		if _, err := claims.Claim(t.Context(), "claimed", "another run", time.Hour); err != nil {
			t.Fatal(err)
		}
		f.Claims = claims
		unconsented, future, unconnected := target("unconsented"), target("future"), target("unconnected")
		unconsented.Consented, unconsented.Reason = Window{}, "no study_start"
		future.Consented.Start = now.Add(day)
		unconnected.ConnectionID = ""
		report := mustRun(t, f, Backfill, target("empty"), target("clipped"), target("claimed"), unconsented, future, unconnected)
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
		if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill, Interval: interval}, []Target{tg}); err != nil {
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

func TestClockIsChecked(t *testing.T) {
	for _, tt := range []struct {
		off    time.Duration
		refuse bool
	}{{0, false}, {3 * time.Minute, false}, {-3 * time.Hour, false}, {25 * time.Hour, true}, {-25 * time.Hour, true}} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			year(api, "P1")
			f := newFetcher(t, api, t.TempDir())
			f.Now = func() time.Time { return time.Now().Add(tt.off) }
			report, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill}, []Target{target("P1")})
			var clock *ClockError
			if errors.As(err, &clock) != tt.refuse || err != nil && !tt.refuse {
				t.Errorf("clock off by %v: %v; want refusal %t", tt.off, err, tt.refuse)
			}
			if n := len(answered(t, f.Log)); tt.refuse && (n > 0 || report.Answers > 0) {
				t.Errorf("clock off by %v: %d answers in the log, want none", tt.off, n)
			}
		})
	}
}

// What the rest of the study needs and cannot have ends the run, with the reason.
func TestRunEndsWhenItCannotGoOn(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		broken := errors.New("disk I/O error")
		f.Budget = &fakeBudget{err: broken}
		if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill}, []Target{target("P1")}); !errors.Is(err, broken) {
			t.Errorf("Run with a broken budget: %v, want %v", err, broken)
		}
		f.Budget = nil
		f.Tokens = fakeTokens{token: func(string) (string, error) { return "", &state.DiskError{} }}
		if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill}, []Target{target("P1")}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Run on a full disk: %v, want that no refresh is possible", err)
		}
		f.Tokens = fakeTokens{}
		if err := f.Log.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill}, []Target{target("P1")}); err == nil || interrupted(err) {
			t.Errorf("Run with a closed log: %v, want an error", err)
		}
	})
}

// A participant of a region without an app stops nobody else.
func TestRegionWithoutApp(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		stranger := target("P2")
		stranger.App = "jp"
		report, err := f.Run(t.Context(), Run{ID: "1", Mode: Backfill}, []Target{target("P1"), stranger})
		if err != nil || report.Outcome != Partial {
			t.Fatalf("Run = %s, %v, want %s", report.Outcome, err, Partial)
		}
		one, two := report.Participants[0], report.Participants[1]
		if one.Err != nil || one.Fetched == 0 {
			t.Errorf("P1 = %+v, want everything fetched", one)
		}
		var noApp *consent.NoAppError
		if !errors.As(two.Err, &noApp) || noApp.Region != "jp" || two.Calls != 0 {
			t.Errorf("P2 = %+v, want *consent.NoAppError for jp and no call", two)
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
		report := mustRun(t, f, Backfill, target("P1"))
		if p := report.Participants[0]; !errors.Is(p.Err, errClaimLost) || report.Outcome != Partial {
			t.Errorf("claim lost: %v, outcome %s; want %v, partial", p.Err, report.Outcome, errClaimLost)
		}
	})
}

// The log holds few participants at a time, in the order of their ids, and
// calls never exceed the concurrency. One whose answers take long holds up
// nobody.
func TestOrderAndConcurrency(t *testing.T) {
	t.Parallel()
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 40 {
			id := fmt.Sprintf("P%03d", i)
			year(api, id)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		f.Concurrency = 8
		start := time.Now()
		report := mustRun(t, f, Backfill, targets...)
		if report.Outcome != Done || api.peak != 8 {
			t.Errorf("outcome %s, at most %d calls at a time; want done, 8", report.Outcome, api.peak)
		}
		calls := time.Duration(report.Calls)
		if took, least := time.Since(start), calls*api.delay/8; took > least+least/10 {
			t.Errorf("took %v, want hardly more than %v: places were left empty", took, least)
		}
		first, last := map[string]int{}, map[string]int{}
		for i, e := range entries(t, f.Log) {
			if _, ok := first[e.ParticipantID]; !ok {
				first[e.ParticipantID] = i
			}
			last[e.ParticipantID] = i
		}
		for i := range targets[activeParticipants:] {
			a, b := targets[i].ParticipantID, targets[i+activeParticipants].ParticipantID
			if last[a] > first[b]+activeParticipants*30 {
				t.Errorf("%s is in the log up to entry %d, %s from %d on: participants are mixed too widely", a, last[a], b, first[b])
			}
		}
	})
}

func TestSlowParticipantHoldsUpNobody(t *testing.T) {
	t.Parallel()
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 20 {
			id := fmt.Sprintf("P%03d", i)
			year(api, id)
			targets = append(targets, target(id))
		}
		api.fault = func(token string, _ dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			if token == "P000" {
				api.mu.Unlock()
				defer api.mu.Lock()
				time.Sleep(time.Hour)
			}
			return dexcom.Answer{}, nil, true
		}
		f := newFetcher(t, api, t.TempDir())
		start := time.Now()
		others := time.Duration(0)
		f.Progress = func(p Progress) {
			if p.ParticipantsDone == len(targets)-1 && others == 0 {
				others = time.Since(start)
			}
		}
		mustRun(t, f, Backfill, targets...)
		if others == 0 || others > 5*time.Minute {
			t.Errorf("19 others were done after %v, want less than 5 min", others)
		}
	})
}

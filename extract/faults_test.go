package extract

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/state"
)

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
		report := mustRun(t, f, plan.Backfill, target("P1"))
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
			end := time.Now().Add(-2 * day) // of year; between its ends nothing tells that there are some
			bound := (plan.Window{Start: r.Start, End: r.End}).Contains(end.Add(-12*time.Hour)) || (plan.Window{Start: r.Start, End: r.End}).Contains(end.Add(-365*day))
			return dexcom.Answer{Body: []byte(`{"records":[]}`)}, nil, n > 0 || r.Resource != dexcom.EGVs || !bound
		}, 1},
		{"400 for every window once", func(_ string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, status(400, 0), n > 0 || r.Resource == dexcom.DataRange
		}, 1 + 13}, // each run gets on by one window at least
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
		report := mustRun(t, f, plan.Backfill, target("P001"))
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
		report := mustRun(t, f, plan.Backfill, target("P1"), target("P2"), target("P3"), target("P4"), target("P5"), target("P6"))
		want := []struct{ minCalls, maxCalls, open int }{
			{1 + windowsOfYear*mostTries, 1 + windowsOfYear*mostTries, windowsOfYear}, // each window is tried
			{1, 1, 0}, // stopped at once
			{1 + 2, 1 + 3*defaultConcurrency, windowsOfYear},   // what was under way, each repeated once
			{1 + 4, 1 + defaultConcurrency + 4, windowsOfYear}, // what was under way of each resource
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
				if got := mustRun(t, newFetcher(t, api, t.TempDir()), plan.Backfill, tt.targets...); got.Outcome != tt.want {
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
		mustRun(t, f, plan.Backfill, target("P1"))
		api.fault = func(token string, _ dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 503}, token == "P1"
		}
		if got := mustRun(t, f, plan.Backfill, target("P1"), target("P2")); got.Outcome != Partial || got.Fetched != 0 {
			t.Errorf("outcome %s, %d windows; want partial, 0: %v", got.Outcome, got.Fetched, got.Participants)
		}
	})
}

// What the rest of the study needs and cannot have ends the run, with the reason.
func TestRunEndsWhenItCannotGoOn(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		broken := errors.New("disk I/O error")
		f.Budget = &fakeBudget{err: broken}
		if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1")}); !errors.Is(err, broken) {
			t.Errorf("Run with a broken budget: %v, want %v", err, broken)
		}
		f.Budget = nil
		f.Tokens = fakeTokens{token: func(string) (string, error) { return "", &state.DiskError{} }}
		if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1")}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Run on a full disk: %v, want that no refresh is possible", err)
		}
		held := &state.BusyError{Path: "state.db"}
		refused := &consent.TemporaryError{ParticipantID: "P1"}
		for _, err := range []error{held, fmt.Errorf("participant P1: %w", held), errors.Join(refused, held)} {
			f.Tokens = fakeTokens{token: func(string) (string, error) { return "", err }}
			var busy *state.BusyError
			if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1")}); !errors.As(err, &busy) {
				t.Errorf("Run with a state that another process holds: %v, want a *state.BusyError", err)
			}
		}
		f.Tokens = fakeTokens{}
		if err := f.Log.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1")}); err == nil || interrupted(err) {
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
		report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1"), stranger})
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

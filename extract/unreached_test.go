package extract

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// unreachable are the ways in which an app cannot be reached.
func unreachable() map[string]error {
	return map[string]error{
		"nobody listens": refused(),
		"no such name":   &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true}},
		"proxy":          &net.OpError{Op: "proxyconnect", Err: errors.New("Bad Gateway")},
		"certificate":    &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		"TLS":            tls.AlertError(40),
		"no answer":      call.ErrNoAnswer,
	}
}

// unrenewed is a source of tokens that all need a refresh, each of which fails
// while down says so. It counts how often each token is presented.
type unrenewed struct {
	down func() error

	mu        sync.Mutex
	renewed   map[string]bool
	presented map[string]int
	retryAt   map[string]time.Time
	failed    int // connections whose refresh failed since somebody said that the API answers again
}

func newUnrenewed(down func() error) *unrenewed {
	return &unrenewed{down: down, renewed: map[string]bool{}, presented: map[string]int{}, retryAt: map[string]time.Time{}}
}

func (u *unrenewed) Token(_ context.Context, c string) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.renewed[c] {
		return c, nil
	}
	out := &consent.TemporaryError{ParticipantID: c, RetryAt: u.retryAt[c], Reason: "no answer"}
	if u.failed >= 5 {
		return "", &consent.RefreshStoppedError{Last: &consent.TemporaryError{Err: refused()}}
	}
	if time.Now().Before(u.retryAt[c]) {
		return "", out
	}
	u.presented[c]++
	if out.Err = u.down(); out.Err == nil {
		u.renewed[c] = true
		return c, nil
	}
	u.failed++
	out.RetryAt = time.Now().Add(2 * time.Second)
	u.retryAt[c] = out.RetryAt
	return "", out
}

func (u *unrenewed) Renew(ctx context.Context, c, _ string) (string, error) { return u.Token(ctx, c) }

func (u *unrenewed) reached(string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = 0
}

// sparse gives n people a record every five days of a hundred.
func sparse(api *fakeAPI, n int) (targets []Target) {
	for i := range n {
		id := fmt.Sprintf("P%03d", i)
		api.add(id, dexcom.EGVs, time.Now().Add(-100*day), time.Now(), 5*day)
		targets = append(targets, target(id))
	}
	return targets
}

// An app that cannot be reached is waited for, with a look at it now and then,
// as long as the run lasts but not longer than patience. Then the run ends, with
// one error for all, and no token was presented twice.
func TestNobodyListens(t *testing.T) {
	for name, cause := range unreachable() {
		for _, lasts := range []time.Duration{0, 5 * time.Minute, 10 * time.Hour} {
			for _, n := range []int{1, 2, 40} {
				for _, renewed := range []bool{true, false} {
					t.Run(fmt.Sprintf("%s, %v, %d people, %t", name, lasts, n, renewed), func(t *testing.T) {
						in2026(t, func(t *testing.T) { nobodyListens(t, cause, lasts, n, renewed) })
					})
				}
			}
		}
	}
}

func nobodyListens(t *testing.T, cause error, lasts time.Duration, n int, renewed bool) {
	api := newFake(t)
	api.delay = time.Millisecond
	err := cause
	if cause == call.ErrNoAnswer { // how the client says it
		err = fmt.Errorf("GET /x: %w", context.DeadlineExceeded)
	}
	api.fault = func(string, dexcom.Request, int) (dexcom.Answer, error, bool) { return dexcom.Answer{}, err, false }
	f := newFetcher(t, api, t.TempDir())
	tokens := newUnrenewed(func() error { return cause })
	f.Reached = tokens.reached
	if !renewed {
		f.Tokens = tokens
	}
	start := time.Now()
	report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}, MaxDuration: lasts}, sparse(api, n))
	want := halfAnHour
	if lasts > 0 {
		want = min(want, lasts)
	}
	if took := time.Since(start); err != nil || report.Outcome != Later || took < want || took > want+15*time.Second {
		t.Errorf("outcome %s, %v after %v; want later after %v", report.Outcome, err, took, want)
	}
	var outage *call.OutageError
	if len(report.Over) != 1 || !errors.As(report.Over[0], &outage) || !errors.Is(outage, cause) && !errors.Is(outage, errors.Unwrap(cause)) || outage.Since.Before(start) || outage.Since.After(start.Add(15*time.Second)) {
		t.Errorf("given up: %v; want one outage since the beginning, because of %v", report.Over, cause)
	}
	if looks := len(api.probes); looks < 10 || looks > 90 {
		t.Errorf("%d looks in %v; want a few", looks, want)
	}
	if calls := report.Calls - len(api.probes); calls > 16+missedInARow {
		t.Errorf("%d calls besides %d looks; want those under way when it began", calls, len(api.probes))
	}
	for _, p := range report.Participants {
		if p.Err != nil && (!errors.As(p.Err, &outage) || strings.Contains(p.Err.Error(), "participant P")) || p.Err == nil && lasts != 5*time.Minute {
			t.Errorf("%s: %v; want the outage, which is nobody's", p.ParticipantID, p.Err)
		}
	}
	for c, times := range tokens.presented {
		if times > 1 {
			t.Errorf("the token of %s was presented %d times", c, times)
		}
	}
}

// A run that ends before an outage is certain says so all the same, if nothing was
// ever answered; of those under way it is kept why they were not.
func TestNobodyListensForLong(t *testing.T) {
	for _, run := range []Run{{MaxDuration: time.Second}, {Quota: &call.Quota{Max: 2}}} {
		for _, late := range []bool{false, true} { // the API was there in the beginning
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
					return dexcom.Answer{}, refused(), late && r.Resource == dexcom.DataRange
				}
				run.ID, run.Mode = "1", plan.Backfill
				report, err := newFetcher(t, api, t.TempDir()).Run(t.Context(), run, sparse(api, 1))
				p := report.Participants[0]
				if want := map[bool]Outcome{false: Later, true: Stopped}[late]; err != nil || report.Outcome != want || (call.AppOver(p.Err) != nil) == late || p.Ended == late {
					t.Errorf("%+v, there at first %t: %s, %v, participant %v; want %s", run, late, report.Outcome, err, p.Err, want)
				}
			})
		}
	}
}

// An outage in the middle of a run ends nothing if it is shorter than patience:
// all is fetched in the end, nobody's request was given up, and nothing is asked
// for twice but what was under way. Of a longer one, what was answered before is
// kept.
func TestOutageEndsNothing(t *testing.T) {
	for name, cause := range unreachable() {
		outages := []time.Duration{50 * time.Second} // the causes are told apart by nobody
		if cause == call.ErrNoAnswer || name == "nobody listens" || !Raced {
			outages = append(outages, time.Second, 12*time.Minute, halfAnHour-31*time.Second, time.Hour)
		}
		for _, outage := range outages {
			for _, renewed := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %v, %t", name, outage, renewed), func(t *testing.T) {
					in2026(t, func(t *testing.T) { outageEndsNothing(t, cause, outage, renewed) })
				})
			}
		}
	}
}

func outageEndsNothing(t *testing.T, cause error, outage time.Duration, renewed bool) {
	api := newFake(t)
	targets := sparse(api, 40)
	start := time.Now()
	down := func() error {
		if off := time.Since(start); off < 2*time.Second || off > 2*time.Second+outage {
			return nil
		}
		return cause
	}
	api.fault = func(string, dexcom.Request, int) (dexcom.Answer, error, bool) {
		err := down()
		if err == call.ErrNoAnswer { // how the client says it
			err = fmt.Errorf("GET /x: %w", context.DeadlineExceeded)
		}
		return dexcom.Answer{}, err, err == nil
	}
	f := newFetcher(t, api, t.TempDir())
	tokens := newUnrenewed(down)
	f.Reached = tokens.reached
	if !renewed {
		f.Tokens = tokens
	}
	report := mustRun(t, f, plan.Backfill, targets...)
	took := time.Since(start)
	if outage > halfAnHour {
		if report.Outcome != Later || report.Answers == 0 || len(answered(t, f.Log)) == 0 || took > halfAnHour+30*time.Second {
			t.Errorf("outcome %s with %d answers after %v; want later, some, soon after %v", report.Outcome, report.Answers, took, halfAnHour)
		}
		return
	}
	if report.Outcome != Done || report.Open != 0 || len(report.Over) > 0 {
		t.Errorf("outcome %s, %d open, %v; want done", report.Outcome, report.Open, report.Over)
	}
	if most := outage + longestPause + 20*time.Second; took > most {
		t.Errorf("took %v, want %v at most", took, most)
	}
	if again := report.Calls - len(api.probes) - report.Answers; again > 2*defaultConcurrency+missedInARow {
		t.Errorf("%d calls brought nothing, want those under way at the beginning", again)
	}
	for c, times := range tokens.presented {
		if times > 2 { // again when the API is known to answer
			t.Errorf("the token of %s was presented %d times", c, times)
		}
	}
}

// A window that never comes in time is that window's fault: the API, looked at,
// answers. Nobody waits for it, nor does the run.
func TestOneSlowWindowIsNoOutage(t *testing.T) {
	for _, n := range []int{1, 3} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			targets := sparse(api, n)
			api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
				slow := token == "P000" && r.Resource == dexcom.EGVs && (plan.Window{Start: r.Start, End: r.End}).Contains(time.Now().Add(-60*day))
				return dexcom.Answer{}, fmt.Errorf("GET /x: %w", context.DeadlineExceeded), !slow
			}
			start := time.Now()
			report := mustRun(t, newFetcher(t, api, t.TempDir()), plan.Backfill, targets...)
			if took := time.Since(start); report.Outcome != Partial || report.Open != 1 || took > time.Minute || len(report.Over) > 0 {
				t.Errorf("%d people: outcome %s, %d open after %v (%v); want partial, 1, soon", n, report.Outcome, report.Open, took, report.Over)
			}
			if report.Participants[0].Calls != report.Participants[0].Answers+mostTries {
				t.Errorf("%d people: %+v; want %d tries of the one window", n, report.Participants[0].Counts, mostTries)
			}
		})
	}
}

// What the server says, be it an error, is no outage.
func TestErrorsAreNoOutage(t *testing.T) {
	for _, err := range []error{&dexcom.StatusError{Code: 503}, &dexcom.BodyError{Reason: "is cut off", Err: context.DeadlineExceeded}, errors.New("connection reset by peer")} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			targets := sparse(api, 20)
			api.fault = func(string, dexcom.Request, int) (dexcom.Answer, error, bool) { return dexcom.Answer{}, err, false }
			start := time.Now()
			report := mustRun(t, newFetcher(t, api, t.TempDir()), plan.Backfill, targets...)
			if took := time.Since(start); report.Outcome != Later || report.Calls != 20*mostTries || len(api.probes) > 0 || took > 2*time.Minute {
				t.Errorf("%v: outcome %s after %v, %d calls, %d looks; want later soon, %d tries each, no look", err, report.Outcome, took, report.Calls, len(api.probes), mostTries)
			}
		})
	}
}

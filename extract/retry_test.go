package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// refused is what the transport returns where nobody listens.
func refused() error {
	return fmt.Errorf("GET /x: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
}

// A server that is down says when to come back, and is obeyed; else waits grow.
// What would outlast the run is not waited for: then the error says when.
func TestRetryWaits(t *testing.T) {
	for _, tt := range []struct {
		after, lasts time.Duration // Retry-After, and the run; 0: none, for ever
		calls        int
		least, most  time.Duration
	}{
		{0, 0, mostTries, 3750 * time.Millisecond, 7500 * time.Millisecond},
		{40 * time.Second, 0, mostTries, 160 * time.Second, 160 * time.Second},
		{12 * time.Minute, 0, 3, 24 * time.Minute, 24 * time.Minute},
		{5 * time.Hour, 0, 1, 0, 0},
		{40 * time.Second, time.Minute, 2, 40 * time.Second, 40 * time.Second},
	} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			api.fault = func(string, dexcom.Request, int) (dexcom.Answer, error, bool) {
				return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 503, RetryAfter: tt.after}, false
			}
			start := time.Now()
			report, err := newFetcher(t, api, t.TempDir()).Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}, MaxDuration: tt.lasts}, []Target{target("P1")})
			took := time.Since(start) - time.Duration(tt.calls)*api.delay
			if err != nil || report.Calls != tt.calls || took < tt.least || took > tt.most || report.Outcome != Later {
				t.Errorf("Retry-After %v: %s, %v, %d calls, waits of %v in all; want later, %d, %v to %v", tt.after, report.Outcome, err, report.Calls, took, tt.calls, tt.least, tt.most)
			}
			var later *call.ComeBackError
			if says := errors.As(report.Participants[0].Err, &later); says != (tt.calls < mostTries) || says && later.Until.Before(time.Now().Add(tt.after-time.Second)) {
				t.Errorf("Retry-After %v: %v; want the time to come back", tt.after, report.Participants[0].Err)
			}
		})
	}
}

// A refresh that failed for a passing reason is waited for, not longer than a
// minute, and never asked for early. What only a person can mend is final.
func TestTokenRetries(t *testing.T) {
	never := 1 << 20
	for _, tt := range []struct {
		name     string
		err      error         // of the first refreshes; a TemporaryError gets its RetryAt
		retryIn  time.Duration // of a TemporaryError, doubled each time
		failures int
		want     Outcome
		asked    int // times for a token before it came, or in all
		most     time.Duration
	}{
		{"one 503", &consent.TemporaryError{}, 2 * time.Second, 1, Done, 1, 3 * time.Second},
		{"four of them", &consent.TemporaryError{}, 2 * time.Second, 4, Done, 4, 31 * time.Second},
		{"endless", &consent.TemporaryError{}, 2 * time.Second, never, Later, mostTries, 31 * time.Second},
		{"endless and slow", &consent.TemporaryError{}, 25 * time.Second, never, Later, 2, 26 * time.Second},
		{"not within a minute", &consent.TemporaryError{}, 61 * time.Second, never, Later, 1, 0},
		{"account not seen: 503", &consent.UncheckedError{Err: &dexcom.StatusError{Code: 503}}, 0, 2, Done, 2, 2 * time.Second},
		{"account not seen: 403", &consent.UncheckedError{Err: &dexcom.StatusError{Code: 403}}, 0, never, Partial, 1, 0},
		{"account not seen: consent gone", &consent.UncheckedError{Err: &consent.NeedsReconsentError{}}, 0, never, ConsentMissing, 1, 0},
		{"stopped", fmt.Errorf("participant P1: %w", &consent.RefreshStoppedError{Last: &consent.TemporaryError{}}), 0, never, Later, 1, 0},
		{"wrong client", &consent.WrongClientError{}, 0, never, Partial, 1, 0},
		{"needs reconsent", &consent.NeedsReconsentError{}, 0, never, ConsentMissing, 1, 0},
		{"suspect", &consent.AuthSuspectError{}, 0, never, ConsentMissing, 1, 0},
		{"anything else", errors.New("disk I/O error"), 0, never, Partial, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				api.delay = 0
				f := newFetcher(t, api, t.TempDir())
				f.Now = func() time.Time { return time.Now().Add(time.Minute) } // RetryAt is by this clock
				f.Resources = []dexcom.Resource{dexcom.Devices}
				asked := 0
				retryAt := f.Now()
				f.Tokens = fakeTokens{token: func(c string) (string, error) {
					if f.Now().Before(retryAt) {
						t.Errorf("asked for a token %v early", retryAt.Sub(f.Now()))
					}
					if asked >= tt.failures {
						return c, nil
					}
					retryAt = f.Now().Add(tt.retryIn << asked)
					asked++
					if _, ok := tt.err.(*consent.TemporaryError); ok {
						return "", errors.Join(&consent.TemporaryError{ParticipantID: "P1", RetryAt: retryAt, Reason: "503"}, nil)
					}
					retryAt = time.Time{}
					return "", tt.err
				}}
				start := time.Now()
				report := mustRun(t, f, plan.Backfill, target("P1"))
				if took := time.Since(start); report.Outcome != tt.want || asked != tt.asked || took > tt.most {
					t.Errorf("outcome %s (%v), %d failed refreshes, took %v; want %s, %d, at most %v", report.Outcome, report.Participants[0].Err, asked, took, tt.want, tt.asked, tt.most)
				}
			})
		})
	}
}

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// stalled is a body that never comes.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }

// The client gives an answer up after its own timeout, with the error of a
// context although the caller's is alive: that request is repeated.
func TestClientTimeoutIsRetried(t *testing.T) {
	answer := func(body io.Reader) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body), ContentLength: -1}
	}
	for _, tt := range []struct {
		name  string
		stall func(*http.Request) (*http.Response, error)
	}{
		{"no header", func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }},
		{"no body", func(r *http.Request) (*http.Response, error) { return answer(stalled{r.Context()}), nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in2026(t, func(t *testing.T) {
				const timeout = 50 * time.Second
				calls := map[string]int{}
				f := newFetcher(t, newFake(t), t.TempDir())
				f.Resources = []dexcom.Resource{dexcom.Devices}
				f.Clients["us"] = &dexcom.Client{BaseURL: "https://api.test", Timeout: timeout, HTTP: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
					calls[r.URL.Path]++
					switch {
					case calls[r.URL.Path] == 1:
						return tt.stall(r)
					case strings.HasSuffix(r.URL.Path, "dataRange"):
						return answer(strings.NewReader(`{"recordType":"dataRange","recordVersion":"3.0","userId":"u"}`)), nil
					}
					return answer(strings.NewReader(`{"recordType":"device","recordVersion":"3.0","userId":"u","records":[]}`)), nil
				})}}
				start := time.Now()
				report := mustRun(t, f, plan.Backfill, target("P1"))
				if took := time.Since(start); report.Outcome != Done || report.Calls != 4 || report.Answers != 2 || took < 2*timeout {
					t.Errorf("outcome %s (%v), %d calls, %d answers after %v; want done, 4, 2, after two timeouts", report.Outcome, report.Participants[0].Err, report.Calls, report.Answers, took)
				}
			})
		})
	}
}

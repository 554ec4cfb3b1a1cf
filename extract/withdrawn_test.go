package extract

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// A fakeWithdrawals withdraws P1 when it is told to.
type fakeWithdrawals struct{ withdrawn atomic.Bool }

func (f *fakeWithdrawals) Withdrawn(context.Context) ([]string, error) { return nil, nil }

func (f *fakeWithdrawals) Standing(_ context.Context, id string) error {
	if id == "P1" && f.withdrawn.Load() {
		return &cohort.WithdrawnError{ParticipantID: id}
	}
	return nil
}

// A participant who withdraws in the middle of a run is asked nothing more for
// from that instant on, even where a request waits to be repeated; what was
// answered is kept, the others go on, and nothing has failed.
func TestWithdrawnDuringTheRun(t *testing.T) {
	busy := &dexcom.StatusError{Path: "/x", Code: 429, RetryAfter: time.Minute}
	refused := &dexcom.StatusError{Path: "/x", Code: 401}
	tests := []struct {
		name  string
		fault error // of P1's egvs when the withdrawal comes
	}{
		{"between answers", nil},
		{"while all wait after a 429", busy},
		{"while the token is refused", refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in2026(t, func(t *testing.T) {
				api, withdrawals := newFake(t), &fakeWithdrawals{}
				year(api, "P1")
				year(api, "P2")
				var after atomic.Int64 // requests sent for P1 after the withdrawal
				api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
					if token != "P1" || r.Resource != dexcom.EGVs {
						return dexcom.Answer{}, nil, true
					}
					withdrawals.withdrawn.Store(true)
					return dexcom.Answer{}, tt.fault, tt.fault == nil
				}
				f := newFetcher(t, api, t.TempDir())
				f.Clients = map[string]call.API{"us": watched{api, func(token string) {
					if token == "P1" && withdrawals.withdrawn.Load() {
						after.Add(1)
					}
				}}}
				f.Concurrency, f.Withdrawals = 2, withdrawals
				report := mustRun(t, f, plan.Backfill, target("P1"), target("P2"))
				if n := after.Load(); n != 0 {
					t.Errorf("%d requests were sent for P1 after the withdrawal", n)
				}
				p1, p2 := report.Participants[0], report.Participants[1]
				if p1.Err != nil || p1.Open != 0 || len(p1.Flags) != 1 || p1.Flags[0].Kind != FlagWithdrawn {
					t.Errorf("P1: error %v, %d open, flags %v; want only that it withdrew", p1.Err, p1.Open, p1.Flags)
				}
				if p2.Fetched != windowsOfYear || report.Outcome != Done {
					t.Errorf("P2: %+v, outcome %s; want all fetched, done", p2.Counts, report.Outcome)
				}
			})
		})
	}
}

// watched tells of every request before it is sent.
type watched struct {
	call.API
	sent func(token string)
}

func (w watched) Do(ctx context.Context, token string, r dexcom.Request) (dexcom.Answer, error) {
	w.sent(token)
	return w.API.Do(ctx, token, r)
}

// Where a claim is refused because of a withdrawal, nothing is asked at all.
func TestWithdrawnBeforeTheClaim(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		f.Claims = withdrawnClaims{}
		report := mustRun(t, f, plan.Backfill, target("P1"))
		if asked := strings.Join(api.reset(), " "); asked != "" || report.Calls != 0 || report.Outcome != Done || report.Participants[0].Err != nil {
			t.Errorf("asked %q, %+v, outcome %s; want nothing asked and nothing failed", asked, report.Counts, report.Outcome)
		}
	})
}

type withdrawnClaims struct{ Claims }

func (withdrawnClaims) Claim(_ context.Context, ids []string, _ string, _ time.Duration) (map[string]error, error) {
	return map[string]error{ids[0]: &cohort.WithdrawnError{ParticipantID: ids[0]}}, nil
}

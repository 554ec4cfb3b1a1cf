package study

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// A Forecast says what a job would ask for.
type Forecast struct {
	extract.Forecast
	Mode   plan.Mode
	Tokens int         // to renew: each costs a request to the token endpoint
	Share  state.Share // of the calls of each app
}

// Plan says what job would ask for, without asking anything.
func (s *Study) Plan(ctx context.Context, job Job) (out Forecast, err error) {
	people, err := job.Who.Pick(ctx, s.Cohort)
	if err != nil {
		return out, err
	}
	if people, err = s.LeaveOut(ctx, people, len(job.Who.IDs) > 0); err != nil {
		return out, err
	}
	targets, err := s.jobTargets(ctx, job, people)
	if err != nil {
		return out, err
	}
	log, err := raw.Open(s.RawPath())
	if err != nil {
		return out, err
	}
	defer log.Close()
	out = Forecast{Mode: job.Run.Mode, Share: call.ShareOf(s.Config.Limits.CallsPerHour)}
	if out.Forecast, err = s.fetcher(log).Forecast(ctx, job.Run, targets); err != nil {
		return out, err
	}
	if job.Run.Mode == plan.Backfill {
		out.Share = call.BackfillShare(s.Config.Limits.CallsPerHour)
	}
	out.Tokens, err = s.renewals(ctx, targets)
	return out, err
}

// renewals counts the access tokens that are at their end.
func (s *Study) renewals(ctx context.Context, targets []extract.Target) (n int, err error) {
	soon := s.Store.Now().Add(5 * time.Minute)
	for _, t := range targets {
		if t.ConnectionID == "" || t.Consented.Empty() {
			continue
		}
		held, err := s.Consents.Tokens(ctx, t.ConnectionID)
		if errors.Is(err, consent.ErrNoConnection) {
			continue // destroyed: nothing is left to renew
		}
		if err != nil {
			return 0, err
		}
		if held.AccessExpiresAt.Before(soon) {
			n++
		}
	}
	return n, nil
}

// Totals are the sums of a Forecast.
type Totals struct {
	Participants    int   `json:"participants"`
	Windows         int   `json:"windows"` // of calls with news
	Calls           int   `json:"calls"`
	CallsWithNews   int   `json:"calls_with_news"`
	TokenCalls      int   `json:"token_calls"`
	Bytes           int64 `json:"bytes"`
	CallsPerHour    int   `json:"calls_per_hour"`
	Seconds         int   `json:"seconds"` // that the limit makes it last, beside the answers' time
	SecondsWithNews int   `json:"seconds_with_news"`
	Estimated       int   `json:"estimated"` // participants of whom nothing is known yet
}

// Totals sums f up.
func (f Forecast) Totals() Totals {
	t := Totals{Participants: len(f.Participants), TokenCalls: f.Tokens, CallsPerHour: f.Share.PerHour}
	for _, one := range f.Participants {
		if one.AsOf.IsZero() && len(one.Resources) > 0 {
			t.Estimated++
		}
		for _, r := range one.Resources {
			t.Calls += r.Calls
			t.CallsWithNews += r.CallsWithNews
			t.Bytes += r.Bytes
			if !r.Window.Empty() {
				t.Windows += r.CallsWithNews
			}
		}
	}
	t.Seconds, t.SecondsWithNews = f.seconds(t.Calls), f.seconds(t.CallsWithNews)
	return t
}

func (f Forecast) seconds(calls int) int {
	return int((f.Share.Lasts(calls) + time.Second - 1) / time.Second)
}

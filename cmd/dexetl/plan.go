package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

func (p *program) planCommand() *cli.Command {
	var backfill fetchJob
	c := p.jobCommand(backfillKind(), &backfill, p.plan)
	c.Name, c.Usage = "plan", "what a backfill, sync or refresh would ask for, without asking anything"
	c.Description = "Alone it plans a backfill. Counted are the calls if nothing was uploaded since each\n" +
		"participant was last asked (calls), and if records of every kind were (with_news)."
	for _, k := range []fetchKind{backfillKind(), syncKind(), refreshKind()} {
		sub := p.jobCommand(k, &fetchJob{}, p.plan)
		sub.Usage, sub.Description = "what `dexetl "+string(k.mode)+"` with the same flags would ask for", ""
		c.Commands = append(c.Commands, sub)
	}
	return c
}

// plan prints what job would ask for.
func (p *program) plan(ctx context.Context, s *study, job fetchJob) error {
	people, err := job.who.pick(ctx, s.cohort)
	if err != nil {
		return err
	}
	if people, err = p.leaveOutWithdrawn(ctx, s, people, len(job.who.ids) > 0); err != nil {
		return err
	}
	if err := p.sayWhoIsLeftOut(ctx, s, people, len(job.who.ids) > 0); err != nil {
		return err
	}
	targets, err := s.jobTargets(ctx, job, people)
	if err != nil {
		return err
	}
	log, err := raw.Open(s.rawPath())
	if err != nil {
		return err
	}
	defer log.Close()
	forecast, err := p.fetcher(s, log).Forecast(ctx, job.run, targets)
	if err != nil {
		return err
	}
	costs := jobPlan{mode: job.run.Mode, forecast: forecast, perHour: s.config.Limits.CallsPerHour}
	if costs.mode == plan.Backfill {
		costs.perHour = call.BackfillCallsPerHour(costs.perHour)
	}
	if costs.tokens, err = s.renewals(ctx, targets); err != nil {
		return err
	}
	return p.printPlan(costs)
}

// renewals counts the access tokens that are at their end: each costs a request
// to the token endpoint.
func (s *study) renewals(ctx context.Context, targets []extract.Target) (n int, err error) {
	soon := s.store.Now().Add(5 * time.Minute)
	for _, t := range targets {
		if t.ConnectionID == "" || t.Consented.Empty() {
			continue
		}
		held, err := s.consents.Tokens(ctx, t.ConnectionID)
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

// A jobPlan is a forecast with what is needed to say what it costs.
type jobPlan struct {
	mode     plan.Mode
	forecast extract.Forecast
	tokens   int
	perHour  int // calls, of each app
}

// planTotals are the sums of a jobPlan.
type planTotals struct {
	Participants    int   `json:"participants"`
	Windows         int   `json:"windows"` // of calls with news
	Calls           int   `json:"calls"`
	CallsWithNews   int   `json:"calls_with_news"`
	TokenCalls      int   `json:"token_calls"`
	Bytes           int64 `json:"bytes"`
	CallsPerHour    int   `json:"calls_per_hour"`
	Seconds         int   `json:"seconds"` // at that limit
	SecondsWithNews int   `json:"seconds_with_news"`
	Estimated       int   `json:"estimated"` // participants of whom nothing is known yet
}

func (p jobPlan) totals() planTotals {
	t := planTotals{Participants: len(p.forecast.Participants), TokenCalls: p.tokens, CallsPerHour: p.perHour}
	for _, one := range p.forecast.Participants {
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
	t.Seconds, t.SecondsWithNews = p.seconds(t.Calls), p.seconds(t.CallsWithNews)
	return t
}

func (p jobPlan) seconds(calls int) int { return (calls*3600 + p.perHour - 1) / p.perHour }

// table has a row for each participant and resource.
func (p jobPlan) table() table {
	t := table{
		schema:  "dexetl.plan/1",
		columns: []string{"participant_id", "resource", "beat", "from_utc", "to_utc", "calls", "with_news", "bytes", "as_of_utc"},
	}
	for _, one := range p.forecast.Participants {
		for _, r := range one.Resources {
			t.rows = append(t.rows, []any{one.ParticipantID, string(r.Resource), orNull(strings.Join(r.Beats, "+")),
				minute(r.Window.Start), minute(r.Window.End), r.Calls, r.CallsWithNews, r.Bytes, minute(one.AsOf)})
		}
	}
	return t
}

func (p *program) printPlan(plan jobPlan) error {
	t, sums := plan.table(), plan.totals()
	if p.flags.json {
		return writeJSON(p.stdout, t.schema, map[string]any{"mode": plan.mode, "rows": t.objects(), "totals": sums, "participants": plan.flagged()})
	}
	if len(t.rows) > 0 {
		if err := p.print(t); err != nil {
			return err
		}
	}
	p.tell("%s of %s: %s calls, %s if all have news; %s to renew", plan.mode, countOf(sums.Participants, "participant"),
		thousands(int64(sums.Calls)), thousands(int64(sums.CallsWithNews)), countOf(sums.TokenCalls, "token"))
	p.tell("with news: %s windows, %s at the limit of %s calls an hour, about %s", thousands(int64(sums.Windows)),
		span(sums.SecondsWithNews), thousands(int64(sums.CallsPerHour)), megabytes(sums.Bytes))
	if sums.Estimated > 0 {
		p.say("%d participants were never asked what there is: all of their consented interval up to now is assumed", sums.Estimated)
	}
	for _, one := range plan.forecast.Participants {
		for _, f := range one.Flags {
			p.say("  %s: %s", one.ParticipantID, f.Detail)
		}
	}
	return nil
}

// flagged lists what a person should know, by participant.
func (p jobPlan) flagged() []map[string]any {
	list := []map[string]any{}
	for _, one := range p.forecast.Participants {
		if len(one.Flags) > 0 {
			list = append(list, map[string]any{"participant_id": one.ParticipantID, "flags": one.Flags})
		}
	}
	return list
}

func span(seconds int) string { return (time.Duration(seconds) * time.Second).String() }

package main

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

func (p *program) planCommand() *cli.Command {
	var backfill jobFlags
	c := p.jobCommand(backfillKind(), &backfill, p.plan)
	c.Name, c.Usage = "plan", "what a backfill, sync or refresh would ask for, without asking anything"
	c.Description = "Alone it plans a backfill. Counted are the calls if nothing was uploaded since each " +
		"participant was last asked (calls), and if records of every kind were (with_news)."
	for _, k := range []fetchKind{backfillKind(), syncKind(), refreshKind()} {
		sub := p.jobCommand(k, &jobFlags{}, p.plan)
		sub.Usage, sub.Description = "what `dexetl "+string(k.mode)+"` with the same flags would ask for", ""
		c.Commands = append(c.Commands, sub)
	}
	return c
}

// plan prints what job would ask for.
func (p *program) plan(ctx context.Context, s *study.Study, job study.Job) error {
	forecast, err := s.Plan(ctx, job)
	if err != nil {
		return err
	}
	return p.printPlan(jobPlan{forecast})
}

// A jobPlan is a forecast as it is shown.
type jobPlan struct{ study.Forecast }

// table has a row for each participant and resource.
func (p jobPlan) table() table.Table {
	t := tableOf(schemas.Plan())
	t.First = []string{"participant_id", "resource", "calls", "from_utc", "to_utc"}
	for _, one := range p.Participants {
		for _, r := range one.Resources {
			t.Rows = append(t.Rows, []any{one.ParticipantID, string(r.Resource), orNull(strings.Join(r.Beats, "+")),
				minute(r.Window.Start), minute(r.Window.End), r.Calls, r.CallsWithNews, r.Bytes, minute(one.AsOf)})
		}
	}
	return t
}

func (p *program) printPlan(plan jobPlan) error {
	t, sums := plan.table(), plan.Totals()
	if p.flags.json {
		return p.object(schemas.Plan(), t.Objects(), plan.Mode, sums, plan.flagged())
	}
	if len(t.Rows) > 0 {
		if err := p.print(t); err != nil {
			return err
		}
	}
	p.tell("%s of %s: %s calls, %s if all have news; %s to renew", plan.Mode, countOf(sums.Participants, "participant"),
		thousands(int64(sums.Calls)), thousands(int64(sums.CallsWithNews)), countOf(sums.TokenCalls, "token"))
	p.tell("with news: %s windows, %s at the limit of %s calls an hour, about %s", thousands(int64(sums.Windows)),
		span(sums.SecondsWithNews), thousands(int64(sums.CallsPerHour)), megabytes(sums.Bytes))
	if sums.Estimated > 0 {
		p.say("%d participants were never asked what there is: all of their consented interval up to now is assumed", sums.Estimated)
	}
	for _, one := range plan.Participants {
		for _, f := range one.Flags {
			p.say("  %s: %s", one.ParticipantID, f.Detail)
		}
	}
	return nil
}

// flagged lists what a person should know, by participant.
func (p jobPlan) flagged() []map[string]any {
	list := []map[string]any{}
	for _, one := range p.Participants {
		if len(one.Flags) > 0 {
			list = append(list, map[string]any{"participant_id": one.ParticipantID, "flags": one.Flags})
		}
	}
	return list
}

// span is how long the limit makes a run last.
func span(seconds int) string {
	if seconds == 0 {
		return "no wait"
	}
	return (time.Duration(seconds) * time.Second).String()
}

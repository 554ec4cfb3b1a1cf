package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/webhook"
)

// endpointArg is how usage names an argument that is an endpoint.
const endpointArg = "ENDPOINT"

func (p *program) webhooksCommand() *cli.Command {
	return &cli.Command{
		Name: "webhooks", Usage: "where others are told what happens: add, list, show, test, rotate, disable, enable, deliveries, replay",
		Description: "serve sends events, signed as Standard Webhooks says, to the endpoints that are added here.",
		Commands: []*cli.Command{
			p.webhooksAdd(),
			{
				Name: "list", Usage: "all endpoints, and how it stands with each",
				Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error { return p.listWebhooks(ctx, s) }),
			},
			{
				Name: "show", Usage: "one endpoint", ArgsUsage: endpointArg,
				Action: p.withEndpoint(func(ctx context.Context, s *study.Study, e webhook.Endpoint) error { return p.showWebhook(ctx, s, e) }),
			},
			{
				Name: "test", Usage: "send an event dexetl.test now, and say what came of it", ArgsUsage: endpointArg,
				Action: p.withEndpoint(p.testWebhook),
			},
			{
				Name: "rotate", Usage: "make another secret, shown once; for 24 hours the one before signs, too", ArgsUsage: endpointArg,
				Flags: []cli.Flag{p.reasonFlag()}, Action: p.withEndpoint(p.rotateWebhook),
			},
			{
				Name: "disable", Usage: "send nothing more; what happens meanwhile waits for up to 30 days", ArgsUsage: endpointArg,
				Flags: []cli.Flag{p.reasonFlag()},
				Action: p.withEndpoint(func(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
					e, err := p.endpoints(s).Disable(ctx, e.ID)
					return p.switched(ctx, s, e, err, "nothing more is sent to %s", e.Name())
				}),
			},
			{
				Name: "enable", Usage: "send again, first what waits", ArgsUsage: endpointArg,
				Flags: []cli.Flag{p.reasonFlag()},
				Action: p.withEndpoint(func(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
					return p.enableWebhook(ctx, s, e)
				}),
			},
			p.webhooksDeliveries(),
			p.webhooksReplay(),
		},
	}
}

func (p *program) webhooksAdd() *cli.Command {
	var e webhook.Endpoint
	var events string
	return &cli.Command{
		Name: "add", Usage: "send events to a URL from now on; the secret that signs them is shown once", ArgsUsage: "URL",
		Description: "Standard output has the secret and nothing else, so that it can go into a secret store, or a file (umask 077 first: the shell makes it).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "events", Usage: "only these `KINDS`, with commas between (default: all that the rights allow)", Destination: &events},
			&cli.StringFlag{Name: "description", Usage: "what it is: `TEXT`", Destination: &e.Description},
			&cli.BoolFlag{Name: "notes", Usage: "tell of free text of events, too", Destination: &e.Rights.Notes},
			&cli.BoolFlag{Name: "unblinded", Usage: "tell what a blinded study (study.blinding) hides, too", Destination: &e.Rights.Unblinded},
			&cli.StringFlag{Name: "cohort", Usage: "participants of this `COHORT` alone", Destination: &e.Rights.Cohort},
			p.reasonFlag(),
		},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) (err error) {
			if e.URL, err = one(c, "URL"); err != nil {
				return err
			}
			e.Events = strings.FieldsFunc(events, func(r rune) bool { return r == ',' || r == ' ' })
			if c.IsSet("events") && len(e.Events) == 0 {
				return usage("--events names no event: leave it out for all that the rights allow")
			}
			return p.addWebhook(ctx, s, e)
		}),
	}
}

func (p *program) addWebhook(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
	e, secret, err := p.endpoints(s).Add(ctx, e, "")
	if err != nil {
		return err
	}
	if err = p.newsOf(s).Begin(ctx); err == nil {
		err = p.showSecret(e, secret)
	}
	if err != nil {
		return errors.Join(err, p.endpoints(s).Remove(ctx, e.ID)) // nobody has seen the secret, nor ever will
	}
	p.say("this is the secret of %s, shown this once: with it the receiver makes sure that an event is the study's. serve sends the events", e.Name())
	p.sayNext("webhooks", "test", e.Name())
	return p.sayNobodyInCohort(ctx, s, e.Rights.Cohort, "endpoint is told of nobody yet")
}

func (p *program) showSecret(e webhook.Endpoint, secret webhook.Secret) error {
	if p.flags.json {
		return p.object(schemas.WebhookAdded(), e.Name(), string(secret), minute(e.OldUntil))
	}
	return p.put(p.stdout, string(secret))
}

// withEndpoint opens the study and finds the one endpoint named.
func (p *program) withEndpoint(action func(context.Context, *study.Study, webhook.Endpoint) error) cli.ActionFunc {
	return p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
		name, err := one(c, "endpoint, such as ep1")
		if err != nil {
			return err
		}
		e, err := p.endpoints(s).Find(ctx, name)
		if err != nil {
			return err
		}
		return action(ctx, s, e)
	})
}

func (p *program) rotateWebhook(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
	e, secret, err := p.endpoints(s).Rotate(ctx, e.ID, "")
	if err != nil {
		return err
	}
	if err := p.showSecret(e, secret); err != nil {
		return err
	}
	p.say("this is the new secret of %s, shown this once. Until %s events are signed with the one before, too", e.Name(), e.OldUntil.Format(time.RFC3339))
	return nil
}

func (p *program) testWebhook(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
	team, err := p.newsOf(s).Identities.Study(ctx)
	if err != nil {
		return err
	}
	v, err := webhook.Subject{Study: team}.NewEvent(0, webhook.Test, s.Store.NewID(), p.now(), map[string]string{"message": "a test of dexetl"})
	if err != nil {
		return err
	}
	end := p.spin("sending")
	a, err := p.deliverer(s, p.logger()).Try(ctx, e, v)
	end()
	if err != nil {
		return err
	}
	if p.flags.json {
		status, said := any(nil), any(nil)
		if a.Status != 0 {
			status = a.Status
		}
		if a.Err != nil {
			said = a.Err.Error()
		}
		if err := p.object(schemas.WebhookTest(), e.Name(), v.ID, status, a.Took.Milliseconds(), said); err != nil {
			return err
		}
	}
	if a.Err != nil {
		return advised(exitLater, "look at the receiver's log, and at what stands before it", "%s did not take the event: %w", e.Name(), a.Err)
	}
	p.say("%s took the event: it answered %d within %d ms", e.Name(), a.Status, a.Took.Milliseconds())
	return nil
}

func (p *program) webhooksDeliveries() *cli.Command {
	var pending, failed bool
	var limit int
	return &cli.Command{
		Name: "deliveries", Usage: "events of the last 30 days and what became of them, newest first", ArgsUsage: "[" + endpointArg + "]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "pending", Usage: "only what waits", Destination: &pending},
			&cli.BoolFlag{Name: "failed", Usage: "only what was tried in vain and is given up", Destination: &failed},
			&cli.IntFlag{Name: "limit", Usage: "the newest `N`; 0: all", Value: 20, Destination: &limit},
		},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			if c.Args().Len() > 1 {
				return failure(exitUsage, helpOf(c), "%s takes one endpoint at most", nameOf(c))
			}
			if pending && failed {
				return usage("--pending and --failed exclude each other")
			}
			var id int64
			if name := c.Args().First(); name != "" {
				e, err := p.endpoints(s).Find(ctx, name)
				if err != nil {
					return err
				}
				id = e.ID
			}
			in := map[bool]string{pending: "pending", failed: "failed"}[true]
			return p.printed(p.deliveryTable(ctx, s, id, in, limit))
		}),
	}
}

func (p *program) deliveryTable(ctx context.Context, s *study.Study, id int64, in string, limit int) (table.Table, error) {
	t := tableOf(schemas.WebhookDeliveries())
	t.First = []string{"endpoint", "event", "participant_id", "state", "attempts", "error", "created_at"}
	all, err := p.endpoints(s).Deliveries(ctx, id, in, limit)
	for _, d := range all {
		snapshot, status := any(nil), any(nil)
		if d.Snapshot != 0 {
			snapshot = d.Snapshot
		}
		if d.Status != 0 {
			status = d.Status
		}
		t.Rows = append(t.Rows, []any{webhook.Endpoint{ID: d.EndpointID}.Name(), d.ID, d.Kind, orNull(d.Participant), snapshot, minute(d.At),
			d.State(), d.Attempts, minute(d.TriedAt), minute(d.NextAt), status, proseOrNull(d.Error)})
	}
	return t, err
}

func (p *program) webhooksReplay() *cli.Command {
	var since string
	return &cli.Command{
		Name: "replay", Usage: "send again what happened since a time, of the last 30 days", ArgsUsage: endpointArg,
		Description: "The ids of events stay the same, so a receiver that keeps them can leave out what it has.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "`TIME` such as 2026-03-01, 2026-03-01T14:30:00Z, or 6h for so long ago", Destination: &since},
			p.reasonFlag(),
		},
		Action: p.withEndpoint(func(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
			if since == "" {
				return failure(exitUsage, again("--since", "1d"), "webhooks replay needs --since")
			}
			at, err := p.since(since)
			if err != nil {
				return err
			}
			n, err := p.outbox(s).Replay(ctx, e, at)
			if err != nil {
				return err
			}
			return p.report(schemas.WebhookReplay(), []any{e.Name(), n}, "serve sends %s to %s", countOf(n, "event"), e.Name())
		}),
	}
}

// since is a date, an instant, or how long ago.
func (p *program) since(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if at, err := cohort.ParseDate(text); err == nil {
		return at, nil
	}
	ago, err := config.ParseDuration(text)
	if err != nil {
		return time.Time{}, usage("--since %q: a date, a time such as 2026-03-01T14:30:00Z, or how long ago, such as 6h or 2d", text)
	}
	return p.now().Add(-ago), nil
}

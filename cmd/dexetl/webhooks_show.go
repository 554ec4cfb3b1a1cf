package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/serve/vital"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/webhook"
)

// endpoints are those of a study. Its key is opened when a secret is needed.
func (p *program) endpoints(s *study.Study) webhook.Endpoints {
	return webhook.Endpoints{Store: s.Store, Seal: &studySealer{study: s}, AllowPrivate: s.Config.Webhooks.AllowPrivate, Blinding: s.Blinded}
}

func (p *program) outbox(s *study.Study) webhook.Outbox {
	return webhook.Outbox{Store: s.Store, Blinding: s.Blinded}
}

// newsOf fills the outbox.
func (p *program) newsOf(s *study.Study) *vital.News {
	return &vital.News{Study: s, Outbox: p.outbox(s), Identities: access.Identities{Store: s.Store}}
}

func (p *program) deliverer(s *study.Study, log *slog.Logger) *webhook.Deliverer {
	return &webhook.Deliverer{
		Endpoints: p.endpoints(s), Blinding: s.Blinded, Fill: p.newsOf(s).Fill, Agent: "dexetl/" + version(), Log: log,
		Ready: func(ctx context.Context) error { return p.readyToTell(ctx, s, log) },
	}
}

// readyToTell makes sure that the state is not older than lake and audit trail, as a sync
// does, and ends what by the trail has ended.
func (p *program) readyToTell(ctx context.Context, s *study.Study, log *slog.Logger) error {
	again, err := p.endpoints(s).EndAgain(ctx)
	if err != nil {
		return err
	}
	if len(again) > 0 {
		log.Warn("state.db is older than the audit trail, and had endpoints working that were removed, disabled or changed: they are disabled", "endpoints", again)
	}
	_, err = s.EditedRows(ctx)
	return err
}

// A studySealer seals with the study's key, which is opened once.
type studySealer struct {
	study *study.Study
	mu    sync.Mutex
	key   *consent.Key
}

func (s *studySealer) open() (*consent.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	k, err := s.study.SealingKey(context.Background())
	if err == nil {
		s.key = k
	}
	return k, err
}

// Seal implements webhook.Sealer.
func (s *studySealer) Seal(plain []byte) ([]byte, error) {
	k, err := s.open()
	if err != nil {
		return nil, err
	}
	return k.Seal(plain)
}

// Open implements webhook.Sealer.
func (s *studySealer) Open(sealed []byte) ([]byte, error) {
	k, err := s.open()
	if err != nil {
		return nil, err
	}
	return k.Open(sealed)
}

// webhookTable has all endpoints, or those that are wanted.
func (p *program) webhookTable(ctx context.Context, s *study.Study, want func(webhook.Endpoint) bool) (table.Table, error) {
	t := tableOf(schemas.Webhooks())
	t.First = []string{"endpoint", "url", "pending", "succeeded_at", "failing_since", "disabled_at", "disabled_why"}
	all, err := p.endpoints(s).List(ctx)
	if err != nil {
		return t, err
	}
	waiting, err := p.endpoints(s).Backlogs(ctx)
	for _, e := range all {
		if want(e) {
			t.Rows = append(t.Rows, endpointCells(e, waiting[e.ID]))
		}
	}
	return t, err
}

// endpointCells are in the order of schemas.Webhooks.
func endpointCells(e webhook.Endpoint, b webhook.Backlog) []any {
	return []any{
		e.Name(), e.URL, proseOrNull(e.Description), orNull(strings.Join(e.Events, " ")), e.Rights.Unblinded, e.Rights.Notes, orNull(e.Rights.Cohort),
		minute(e.CreatedAt), minute(e.DisabledAt), orNull(string(e.Why)), minute(e.FailingSince), minute(e.SucceededAt), b.Pending, minute(b.Oldest),
	}
}

func (p *program) listWebhooks(ctx context.Context, s *study.Study) error {
	t, err := p.webhookTable(ctx, s, func(webhook.Endpoint) bool { return true })
	if err != nil {
		return err
	}
	if len(t.Rows) == 0 && !p.flags.json {
		p.say("there are no endpoints, so nobody is told what happens")
		p.sayNext("webhooks", "add", "https://hooks.example.org/dexetl")
		return nil
	}
	return p.print(t)
}

func (p *program) showWebhook(ctx context.Context, s *study.Study, e webhook.Endpoint) error {
	t, err := p.webhookTable(ctx, s, func(one webhook.Endpoint) bool { return one.ID == e.ID })
	if err != nil || len(t.Rows) == 0 {
		return err
	}
	if p.flags.json {
		return p.object(schemas.Webhook(), t.Rows[0]...)
	}
	fields := table.Table{Columns: []string{"field", "value"}, Stories: true}
	for i, column := range t.Columns {
		if v := t.Rows[0][i]; v != nil {
			fields.Rows = append(fields.Rows, []any{column, v})
		}
	}
	return p.print(fields)
}

// switched tells that an endpoint was disabled or enabled.
func (p *program) switched(ctx context.Context, s *study.Study, e webhook.Endpoint, err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	if p.flags.json {
		return p.showWebhook(ctx, s, e)
	}
	p.say(format, args...)
	return nil
}

func (p *program) enableWebhook(ctx context.Context, s *study.Study, was webhook.Endpoint) error {
	e, err := p.endpoints(s).Enable(ctx, was.ID)
	if err == nil && was.Why == webhook.Revoked {
		p.note("the address of %s was set by key %s, which is revoked: whoever had that key may get the events", e.Name(), e.MadeBy)
	}
	return p.switched(ctx, s, e, err, "serve sends to %s again, first what waits", e.Name())
}

// tellWebhooks says which endpoints get nothing, though nobody wanted that.
func (p *program) tellWebhooks(silent table.Table) {
	for _, row := range silent.Rows {
		name, disabled, why, failing, next := row[0], row[1], row[2], row[3], row[4]
		switch {
		case why == string(webhook.Asked), why == string(webhook.Revoked):
			continue // somebody wanted it
		case disabled != nil:
			p.say("webhooks: endpoint %s is disabled since %s UTC: %s", name, disabled, webhook.Reason(why.(string)).Words())
		default:
			p.say("webhooks: endpoint %s takes nothing since %s UTC; it is tried again", name, failing)
		}
		p.say("next: %s", next)
	}
}

// silentEndpoints are those that are disabled, and those that take nothing.
func silentEndpoints(ctx context.Context, s *study.Study, line speller) (table.Table, error) {
	t := table.Table{Columns: schemas.Status().Columns("webhooks")}
	all, err := webhook.Endpoints{Store: s.Store}.List(ctx)
	for _, e := range all {
		next := line("webhooks", "enable", e.Name())
		switch {
		case e.Enabled() && e.FailingSince.IsZero():
			continue
		case e.Enabled():
			next = line("webhooks", "deliveries", e.Name(), "--pending")
		case e.Why == webhook.Revoked, e.Why == webhook.Outdated: // who gets the events is to be looked at first
			next = line("webhooks", "show", e.Name())
		}
		t.Rows = append(t.Rows, []any{e.Name(), minute(e.DisabledAt), orNull(string(e.Why)), minute(e.FailingSince), next})
	}
	return t, err
}

// ofEndpoints are the names of all endpoints.
func (p *program) ofEndpoints(ctx context.Context) (names []string) {
	s, err := p.stateToRead(ctx)
	if err != nil {
		return nil
	}
	defer s.Close()
	all, _ := webhook.Endpoints{Store: s.Store}.List(ctx)
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

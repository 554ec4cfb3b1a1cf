package webhook

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/state"
)

const (
	lanesAtOnce = 8  // participants of whom events are sent to one endpoint at once
	laneEvents  = 16 // of a participant in memory
	noteAtOnce  = 64 // results that are written together
)

// A queued event waits for an endpoint.
type queued struct {
	Event
	seq        int64
	attempts   int
	firstTried time.Time
}

// A pass sends one endpoint what is due.
type pass struct {
	r       *running
	to      Endpoint
	signers []*standardwebhooks.Webhook
	headers map[string]string
	pace    *rate.Limiter

	mu      sync.Mutex
	results []result // not written yet
	stopped bool     // nothing more is sent to it in this pass
}

// A result is an attempt and what it was of.
type result struct {
	queued
	Attempt
}

// serve sends an endpoint what is due, until nothing is.
func (r *running) serve(ctx context.Context, e Endpoint) error {
	p := &pass{r: r, to: e, pace: rate.NewLimiter(rate.Inf, 1)}
	if e.PerSecond > 0 {
		p.pace.SetLimit(rate.Limit(e.PerSecond))
	}
	for ctx.Err() == nil && !p.stopped {
		lanes, err := r.dueLanes(ctx, e.ID)
		if err != nil || len(lanes) == 0 {
			return err
		}
		if err := p.sign(); err != nil {
			return err
		}
		var g errgroup.Group // one lane's fault ends no attempt of another
		g.SetLimit(lanesAtOnce)
		for _, lane := range lanes {
			g.Go(func() error { return guarded(func() error { return p.lane(ctx, lane) }) })
		}
		err = g.Wait()
		if noted := p.note(context.WithoutCancel(ctx), 1); err == nil {
			err = noted
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delivery is an event as it is sent to the endpoint.
func (p *pass) delivery(e Event) message {
	return message{to: p.to.URL, headers: p.headers, signers: p.signers, Event: e}
}

// sign readies the secrets that sign now, and the headers.
func (p *pass) sign() (err error) {
	if p.headers, err = p.r.Endpoints.Headers(p.to); err != nil {
		return err
	}
	secrets, err := p.r.Endpoints.secrets(p.to)
	if err != nil {
		return err
	}
	p.signers = nil
	for _, s := range secrets {
		w, err := signer(s)
		if err != nil {
			return err
		}
		p.signers = append(p.signers, w)
	}
	return nil
}

// dueLanes are those of which an event may be sent now, those that wait longest first.
// What is about somebody who is deleted is not due until that is undone.
func (r *running) dueLanes(ctx context.Context, id int64) ([]string, error) {
	return state.Collect(ctx, r.Endpoints.Store, state.ScanText, `
		with heads as (
			select lane, min(seq) as seq from webhook_deliveries where endpoint_id = ?1 and done_at is null group by lane
		)
		select h.lane from heads h
		join webhook_deliveries d on d.endpoint_id = ?1 and d.seq = h.seq
		where (d.next_at is null or d.next_at <= ?2)
			and not exists (select 1 from deletions x where x.participant_id = h.lane)
		order by h.seq`, id, state.Micros(r.Endpoints.Store.Now()))
}

// lane sends the events of one participant, one after the other, until one fails.
func (p *pass) lane(ctx context.Context, lane string) error {
	for last := int64(0); ; {
		events, err := p.r.waiting(ctx, p.to.ID, lane, last)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if ctx.Err() != nil || p.isStopped() {
				return ctx.Err()
			}
			if err := p.pace.Wait(ctx); err != nil {
				return err
			}
			last = e.seq
			if may, err := p.mayGo(ctx, e); err != nil {
				return err
			} else if !may {
				continue
			}
			a := p.r.sender.send(ctx, p.delivery(e.Event))
			if ctx.Err() != nil && a.Err != nil {
				return ctx.Err() // it says nothing of the endpoint
			}
			fault.Point("webhook.sent")
			if err := p.keep(context.WithoutCancel(ctx), result{e, a}); err != nil || a.Err != nil {
				return err
			}
		}
	}
}

func (r *running) waiting(ctx context.Context, id int64, lane string, after int64) ([]queued, error) {
	return state.Collect(ctx, r.Endpoints.Store, func(row func(...any) error) (q queued, err error) {
		err = row(&q.seq, &q.attempts, state.Instant(&q.firstTried), &q.ID, &q.Kind, &q.Participant, &q.Body)
		return q, err
	}, `select d.seq, d.attempts, d.first_tried_at, e.event_id, e.kind, coalesce(e.participant_id, ''), e.body
		from webhook_deliveries d join webhook_events e on e.seq = d.seq
		where d.endpoint_id = ? and d.lane = ? and d.done_at is null and d.seq > ?
		order by d.seq limit ?`, id, lane, after, laneEvents)
}

func (p *pass) isStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// keep gathers results, and writes them when there are many or one failed.
func (p *pass) keep(ctx context.Context, r result) error {
	p.mu.Lock()
	p.results = append(p.results, r)
	p.stopped = p.stopped || r.Status == http.StatusGone || r.Err != nil && r.Wait > 0
	p.mu.Unlock()
	if r.Err != nil {
		return p.note(ctx, 1)
	}
	return p.note(ctx, noteAtOnce)
}

// note writes what came of the attempts, if there are enough.
func (p *pass) note(ctx context.Context, enough int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.results) < enough {
		return nil
	}
	n := noting{now: p.r.Endpoints.now(), chance: p.r.Chance, results: p.results}
	var before, after Endpoint
	err := p.r.Endpoints.Store.Change(ctx, func(tx *sql.Tx) (_ []state.Act, err error) {
		if before, err = endpointIn(ctx, tx, p.to.ID); err != nil {
			return nil, err
		}
		if !p.isAs(before) { // what failed says nothing of the endpoint as it is now
			p.stopped = true
			n.results = slices.DeleteFunc(slices.Clone(n.results), func(r result) bool { return r.Err != nil })
		}
		after, err = n.write(ctx, tx, before)
		if err != nil || after.Enabled() == before.Enabled() {
			return nil, err
		}
		return []state.Act{{Subject: subject, Before: acted(before), After: acted(after), Reason: string(after.Why)}}, nil
	})
	fault.Point("webhook.noted")
	if _, removed := errors.AsType[*UnknownError](err); removed {
		p.results, p.stopped = nil, true
		return nil
	}
	if err != nil {
		return err
	}
	p.results = nil
	if !after.Enabled() {
		p.stopped = true
		if before.Enabled() {
			p.r.Log.Warn("endpoint disabled: "+after.Why.Words(), "endpoint", after.Name())
		}
	}
	return nil
}

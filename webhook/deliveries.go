package webhook

import (
	"context"
	"database/sql"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Delivery is an event on its way to an endpoint, or there. Times are UTC.
type Delivery struct {
	EndpointID int64
	Event      // without Body
	Attempts   int
	TriedAt    time.Time // the last attempt; zero: none yet
	NextAt     time.Time // the next one; zero: at once, or none
	Status     int       // of the last answer; 0: there was none
	Error      string    // of the last attempt
	DoneAt     time.Time // zero: it is to be sent
	GivenUp    bool      // it was tried in vain
}

// State says how it stands: pending, delivered, or failed, which is given up.
func (d Delivery) State() string {
	switch {
	case d.DoneAt.IsZero():
		return "pending"
	case d.GivenUp:
		return "failed"
	}
	return "delivered"
}

// Deliveries are the newest ones to an endpoint, or for 0 to all, newest first.
// A state "" is any, a limit 0 none.
func (es Endpoints) Deliveries(ctx context.Context, id int64, in string, limit int) ([]Delivery, error) {
	if limit == 0 {
		limit = -1
	}
	return state.Collect(ctx, es.Store, func(row func(...any) error) (d Delivery, err error) {
		var status sql.NullInt64
		err = row(&d.EndpointID, &d.ID, &d.Kind, &d.Participant, &d.Snapshot, state.Instant(&d.At), &d.Attempts, state.Instant(&d.TriedAt), state.Instant(&d.NextAt),
			&status, &d.Error, state.Instant(&d.DoneAt), &d.GivenUp)
		d.Status = int(status.Int64)
		return d, err
	}, `select d.endpoint_id, e.event_id, e.kind, coalesce(e.participant_id, ''), e.snapshot, e.created_at, d.attempts, d.tried_at, d.next_at,
			d.status, d.error, d.done_at, d.given_up
		from webhook_deliveries d join webhook_events e on e.seq = d.seq
		where (?1 = 0 or d.endpoint_id = ?1)
			and (?2 = '' or ?2 = case when d.done_at is null then 'pending' when d.given_up then 'failed' else 'delivered' end)
		order by d.seq desc, d.endpoint_id limit ?3`, id, in, limit)
}

// A Backlog is what waits for an endpoint.
type Backlog struct {
	Pending int64
	Oldest  time.Time // when the first of it was put in; zero: nothing waits
}

// Backlogs are those of endpoints by id, of which something waits.
func (es Endpoints) Backlogs(ctx context.Context) (map[int64]Backlog, error) {
	all := make(map[int64]Backlog)
	_, err := state.Collect(ctx, es.Store, func(row func(...any) error) (_ struct{}, err error) {
		var id int64
		var b Backlog
		err = row(&id, &b.Pending, state.Instant(&b.Oldest))
		all[id] = b
		return struct{}{}, err
	}, `select d.endpoint_id, count(*), min(e.created_at) from webhook_deliveries d join webhook_events e on e.seq = d.seq
		where d.done_at is null group by d.endpoint_id`)
	return all, err
}

// Try sends an endpoint an event at once and once, whether it is enabled or not. It is
// kept nowhere.
func (d *Deliverer) Try(ctx context.Context, to Endpoint, e Event) (Attempt, error) {
	p := &pass{r: &running{Deliverer: d}, to: to}
	if err := p.sign(); err != nil {
		return Attempt{}, err
	}
	return d.sender().send(ctx, p.delivery(e)), nil
}

package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/state"
)

// KeptFor is how long events are kept, sent or not, from when they were put in.
const KeptFor = 30 * 24 * time.Hour

// An Outbox holds events for the endpoints.
type Outbox struct {
	Store    *state.Store
	Blinding Blinding
}

func partName(n int) string { return strconv.Itoa(n) }

// Position is the snapshot up to which all events are in the outbox; ok is false while
// nobody is to be told. Whoever drops snapshots keeps this one and all that follow it.
func (o Outbox) Position(ctx context.Context) (snapshot int64, ok bool, err error) {
	snapshot, err = state.One(ctx, o.Store, scanNumber, "select snapshot from webhook_outbox")
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return snapshot, err == nil, err
}

func scanNumber(row func(...any) error) (n int64, err error) {
	err = row(&n)
	return n, err
}

// Wanted reports whether there is an endpoint, enabled or not.
func (o Outbox) Wanted(ctx context.Context) (bool, error) { return wanted(ctx, o.Store) }

func wanted(ctx context.Context, q state.Querier) (bool, error) {
	n, err := state.One(ctx, q, scanNumber, "select exists (select 1 from webhook_endpoints)")
	return n == 1, err
}

// Begin makes a snapshot the first of which nobody is told, with the histories that are
// complete with it.
func (o Outbox) Begin(ctx context.Context, snapshot int64, complete []History) error {
	return o.Store.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "insert or replace into webhook_outbox (one, snapshot) values (1, ?)", snapshot); err != nil {
			return err
		}
		for _, h := range complete {
			h.Snapshot = snapshot
			if err := putHistory(ctx, tx, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// Forsake is for when there is no endpoint any more: nobody is to be told, and nothing
// is kept.
func (o Outbox) Forsake(ctx context.Context) error {
	return o.Store.Write(ctx, func(tx *sql.Tx) error {
		if wanted, err := wanted(ctx, tx); err != nil || wanted {
			return err // one was added meanwhile
		}
		for _, q := range []string{"delete from webhook_outbox", "delete from webhook_histories", "delete from webhook_events"} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// A History is that of a participant and resource, complete since a snapshot.
type History struct {
	Participant, Resource string
	Snapshot              int64
}

// Histories are those that are complete.
func (o Outbox) Histories(ctx context.Context) ([]History, error) {
	return state.Collect(ctx, o.Store, func(row func(...any) error) (h History, err error) {
		err = row(&h.Participant, &h.Resource, &h.Snapshot)
		return h, err
	}, "select participant_id, resource, snapshot from webhook_histories")
}

func putHistory(ctx context.Context, tx *sql.Tx, h History) error {
	_, err := tx.ExecContext(ctx, "insert or ignore into webhook_histories (participant_id, resource, snapshot) values (?, ?, ?)", h.Participant, h.Resource, h.Snapshot)
	return err
}

// A Filling puts the events of one snapshot into the outbox, in batches: each is there
// whole or not at all, and what is there already stays as it is.
type Filling struct {
	outbox    Outbox
	endpoints []Endpoint
	events    []Event
	histories []History
	bytes     int
}

// Fill begins to put events in.
func (o Outbox) Fill(ctx context.Context) (*Filling, error) {
	endpoints, err := endpointsIn(ctx, o.Store)
	return &Filling{outbox: o, endpoints: endpoints}, err
}

// A batch is as large as this.
const (
	batchEvents = 500
	batchBytes  = 4 << 20
)

// Put adds an event.
func (f *Filling) Put(ctx context.Context, e Event) error {
	f.events, f.bytes = append(f.events, e), f.bytes+len(e.Body)
	if len(f.events) < batchEvents && f.bytes < batchBytes {
		return nil
	}
	return f.write(ctx, nil)
}

// Complete adds the event that tells of a history that is complete.
func (f *Filling) Complete(ctx context.Context, h History, e Event) error {
	f.histories = append(f.histories, h)
	return f.Put(ctx, e)
}

// Done says that all events up to a snapshot are in.
func (f *Filling) Done(ctx context.Context, snapshot int64) error {
	return f.write(ctx, &snapshot)
}

// Flush puts in what was added, and says nothing of snapshots.
func (f *Filling) Flush(ctx context.Context) error { return f.write(ctx, nil) }

func (f *Filling) write(ctx context.Context, done *int64) error {
	if done == nil && len(f.events) == 0 {
		return nil
	}
	err := f.outbox.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, e := range f.events {
			if err := f.insert(ctx, tx, e); err != nil {
				return err
			}
		}
		for _, h := range f.histories {
			if err := putHistory(ctx, tx, h); err != nil {
				return err
			}
		}
		if done == nil {
			return nil
		}
		_, err := tx.ExecContext(ctx, "update webhook_outbox set snapshot = max(snapshot, ?)", *done)
		return err
	})
	f.events, f.histories, f.bytes = nil, nil, 0
	fault.Point("webhook.queued")
	return err
}

// insert puts an event in if somebody wants it and it is not there, for all who want
// it. Of somebody who left the roster meanwhile, or has withdrawn, there is nothing to
// tell.
func (f *Filling) insert(ctx context.Context, tx *sql.Tx, e Event) error {
	var wanted []int64
	blinded := f.outbox.Blinding.on()
	for _, to := range f.endpoints {
		if to.wants(e, blinded) && !to.CreatedAt.After(e.At) {
			wanted = append(wanted, to.ID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `insert or ignore into webhook_events (event_id, kind, participant_id, snapshot, body, created_at)
		select ?1, ?2, ?3, ?4, ?5, ?6 where ?3 is null or exists (select 1 from participants where participant_id = ?3)
			and not exists (select 1 from withdrawals where participant_id = ?3)`,
		e.ID, e.Kind, orNull(e.Participant), e.Snapshot, e.Body, state.Micros(f.outbox.Store.Now()))
	if err != nil {
		return err
	}
	ids, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `insert or ignore into webhook_deliveries (endpoint_id, seq, lane)
		select to_whom.endpoint_id, e.seq, coalesce(e.participant_id, '')
		from webhook_events e, webhook_endpoints to_whom
		where e.event_id = ? and to_whom.endpoint_id in (select value from json_each(?))`, e.ID, string(ids))
	return err
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Sweep forgets what is older than KeptFor, and all events of participants who have
// withdrawn, sent or not.
func (o Outbox) Sweep(ctx context.Context, withdrawn []string) error {
	list, err := json.Marshal(withdrawn)
	if err != nil {
		return err
	}
	old := state.Micros(o.Store.Now().Add(-KeptFor))
	any, err := state.One(ctx, o.Store, scanNumber, `select exists (select 1 from webhook_events where created_at < ?1)
		or exists (select 1 from webhook_events where participant_id in (select value from json_each(?2)))`, old, string(list))
	if err != nil || any == 0 {
		return err
	}
	_, err = o.Store.Exec(ctx, "delete from webhook_events where created_at < ? or participant_id in (select value from json_each(?))", old, string(list))
	return err
}

// Replay sends an endpoint again what happened since a time, of what is kept and it may
// get by today's cohorts, and counts it. Of who is deleted nothing is sent again.
func (o Outbox) Replay(ctx context.Context, to Endpoint, since time.Time) (events int, err error) {
	err = o.Store.Write(ctx, func(tx *sql.Tx) error {
		all, err := state.Collect(ctx, tx, func(row func(...any) error) (e queued, err error) {
			err = row(&e.seq, &e.Kind, &e.Participant, &e.Cohort)
			return e, err
		}, `select e.seq, e.kind, coalesce(e.participant_id, ''), coalesce(p.cohort, '')
			from webhook_events e left join participants p on p.participant_id = e.participant_id
			where e.created_at >= ? and not exists (select 1 from deletions x where x.participant_id = e.participant_id)
			order by e.seq`, since.UnixMicro())
		if err != nil {
			return err
		}
		blinded := o.Blinding.on()
		for _, e := range all {
			if !to.wants(e.Event, blinded) {
				continue
			}
			_, err := tx.ExecContext(ctx, `insert or replace into webhook_deliveries (endpoint_id, seq, lane) values (?, ?, ?)`, to.ID, e.seq, e.Participant)
			if err != nil {
				return err
			}
			events++
		}
		return nil
	})
	return events, err
}

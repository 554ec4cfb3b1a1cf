package webhook

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dexetl/dexetl/extract/state"
)

// mayGo reports whether an event may be sent now, which is asked right before: since it
// was read, or put in, somebody may have withdrawn, been deleted, or changed the endpoint,
// a cohort, or the blinding. What the endpoint may not get any more is dropped; what is
// about somebody who is deleted waits, as that can be undone.
func (p *pass) mayGo(ctx context.Context, q queued) (bool, error) {
	e, err := endpointIn(ctx, p.r.Endpoints.Store, p.to.ID)
	if _, removed := errors.AsType[*UnknownError](err); err != nil && !removed {
		return false, err
	}
	if !p.isAs(e) {
		p.stop()
		return false, nil
	}
	q.Cohort, err = p.r.shownCohort(ctx, p.to.ID, q.seq)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil || mayGet(e.Rights, q.Event, p.r.Blinding.on()) {
		return err == nil, err
	}
	_, err = p.r.Endpoints.Store.Exec(ctx, "delete from webhook_deliveries where endpoint_id = ? and seq = ? and done_at is null", p.to.ID, q.seq)
	return false, err
}

// shownCohort is today's cohort of whom an event is about that waits for an endpoint, and
// who is not deleted; else it is sql.ErrNoRows.
func (r *running) shownCohort(ctx context.Context, endpoint, seq int64) (string, error) {
	return state.One(ctx, r.Endpoints.Store, state.ScanText, `select coalesce(p.cohort, '')
		from webhook_deliveries d join webhook_events e on e.seq = d.seq left join participants p on p.participant_id = e.participant_id
		where d.endpoint_id = ? and d.seq = ? and d.done_at is null
			and not exists (select 1 from deletions x where x.participant_id = e.participant_id)`, endpoint, seq)
}

// isAs reports whether the pass sends to an endpoint as it is now. In another one's
// place the next pass does.
func (p *pass) isAs(now Endpoint) bool { return now.Enabled() && now.UpdatedAt.Equal(p.to.UpdatedAt) }

func (p *pass) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
}

package webhook

import (
	"context"
	"database/sql"
	"net/http"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// Words say why, after the name of an endpoint.
func (r Reason) Words() string {
	switch r {
	case Gone:
		return "it answered 410 Gone"
	case Failing:
		return "nothing succeeded for 5 days"
	case Asked:
		return "somebody asked for it"
	case Revoked:
		return "the key that set its address is revoked"
	case Outdated:
		return "it was removed, disabled or moved before, and state.db is from an older backup"
	}
	return ""
}

// A noting writes down what came of attempts.
type noting struct {
	now     time.Time
	chance  func() float64
	results []result
}

// recoveredAfter is how long an endpoint was down so that what it refused meanwhile is
// tried at once when it takes something again.
const recoveredAfter = 30 * time.Minute

// write writes what came of the attempts, and what that says of their endpoint, which
// it returns. An event that another process has put anew meanwhile is that one's.
func (n noting) write(ctx context.Context, tx *sql.Tx, e Endpoint) (Endpoint, error) {
	for _, r := range n.results {
		var err error
		if r.Err == nil {
			err = n.succeeded(ctx, tx, &e, r)
		} else {
			err = n.failed(ctx, tx, &e, r)
		}
		if err != nil {
			return e, err
		}
	}
	_, err := tx.ExecContext(ctx, `update webhook_endpoints set disabled_at = ?, disabled_why = ?, failing_since = ?, succeeded_at = ?, wait_until = ?
		where endpoint_id = ?`, state.Micros(e.DisabledAt), string(e.Why), state.Micros(e.FailingSince), state.Micros(e.SucceededAt),
		state.Micros(e.WaitUntil), e.ID)
	return e, err
}

func (n noting) succeeded(ctx context.Context, tx *sql.Tx, e *Endpoint, r result) error {
	down, before := e.FailingSince, e.SucceededAt
	e.SucceededAt, e.FailingSince, e.WaitUntil = n.now, time.Time{}, time.Time{}
	err := n.done(ctx, tx, *e, r, false)
	if err != nil || down.IsZero() || n.now.Sub(down) < recoveredAfter {
		return err
	}
	_, err = tx.ExecContext(ctx, "update webhook_deliveries set next_at = null where endpoint_id = ? and done_at is null and first_tried_at > ?", e.ID, before.UnixMicro())
	return err
}

func (n noting) done(ctx context.Context, tx *sql.Tx, e Endpoint, r result, inVain bool) error {
	return n.attempt(ctx, tx, e, r, n.now, time.Time{}, inVain)
}

// attempt keeps the last attempt of a delivery.
func (n noting) attempt(ctx context.Context, tx *sql.Tx, e Endpoint, r result, done, next time.Time, inVain bool) error {
	said, status := "", any(nil)
	if r.Err != nil {
		said = r.Err.Error()
	}
	if r.Status != 0 {
		status = r.Status
	}
	_, err := tx.ExecContext(ctx, `update webhook_deliveries set attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, ?1), tried_at = ?1,
		next_at = ?2, status = ?3, error = ?4, done_at = ?5, given_up = ?6 where endpoint_id = ?7 and seq = ?8 and done_at is null`,
		state.Micros(r.At), state.Micros(next), status, said, state.Micros(done), inVain, e.ID, r.seq)
	return err
}

// failed says when an event is tried again. One that the endpoint refused for all of
// the schedule, while it took others, is given up: what follows it must not wait for
// ever. While nothing succeeds, nothing is given up, until the endpoint is disabled.
func (n noting) failed(ctx context.Context, tx *sql.Tx, e *Endpoint, r result) error {
	if e.FailingSince.IsZero() {
		e.FailingSince = r.At
	}
	switch {
	case r.Status == http.StatusGone:
		e.disable(n.now, Gone)
	case n.now.Sub(e.FailingSince) >= GiveUpAfter:
		e.disable(n.now, Failing)
	}
	attempts, first := r.attempts+1, r.firstTried
	if first.IsZero() {
		first = r.At
	}
	if attempts >= Attempts && e.SucceededAt.After(first) && e.Enabled() {
		return n.done(ctx, tx, *e, r, true)
	}
	if r.Wait > 0 {
		e.WaitUntil = n.now.Add(r.Wait)
	}
	return n.attempt(ctx, tx, *e, r, time.Time{}, n.now.Add(max(backoff(attempts, n.chance), r.Wait)), false)
}

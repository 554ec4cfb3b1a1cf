package webhook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/dexetl/dexetl/extract/state"
)

const endpointColumns = `endpoint_id, url, description, events, unblinded, notes, cohort, headers, per_second, secret, old_secret, old_until,
	made_by, created_at, updated_at, disabled_at, disabled_why, failing_since, succeeded_at, wait_until`

func scanEndpoint(row func(...any) error) (e Endpoint, err error) {
	var events string
	err = row(&e.ID, &e.URL, &e.Description, &events, &e.Rights.Unblinded, &e.Rights.Notes, &e.Rights.Cohort, &e.headers, &e.PerSecond, &e.secret, &e.oldSecrets,
		state.Instant(&e.OldUntil), &e.MadeBy, state.Instant(&e.CreatedAt), state.Instant(&e.UpdatedAt), state.Instant(&e.DisabledAt), &e.Why,
		state.Instant(&e.FailingSince), state.Instant(&e.SucceededAt), state.Instant(&e.WaitUntil))
	e.Events, e.Rights.Scope = strings.Fields(events), "read"
	return e, err
}

func endpointsIn(ctx context.Context, q state.Querier) ([]Endpoint, error) {
	return state.Collect(ctx, q, scanEndpoint, "select "+endpointColumns+" from webhook_endpoints order by endpoint_id")
}

func endpointIn(ctx context.Context, q state.Querier, id int64) (Endpoint, error) {
	e, err := state.One(ctx, q, scanEndpoint, "select "+endpointColumns+" from webhook_endpoints where endpoint_id = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		err = &UnknownError{fmt.Sprintf("ep%d", id)}
	}
	return e, err
}

func insertEndpoint(ctx context.Context, tx *sql.Tx, e Endpoint) (int64, error) {
	r, err := tx.ExecContext(ctx, `insert into webhook_endpoints (url, description, events, unblinded, notes, cohort, headers, per_second, secret, made_by, created_at, updated_at, disabled_at, disabled_why)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.URL, e.Description, strings.Join(e.Events, " "), e.Rights.Unblinded, e.Rights.Notes, e.Rights.Cohort, e.headers, e.PerSecond, e.secret, e.MadeBy,
		state.Micros(e.CreatedAt), state.Micros(e.UpdatedAt), state.Micros(e.DisabledAt), string(e.Why))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func updateEndpoint(ctx context.Context, tx *sql.Tx, e Endpoint) error {
	_, err := tx.ExecContext(ctx, `update webhook_endpoints set url = ?, description = ?, events = ?, headers = ?, per_second = ?, secret = ?, old_secret = ?, old_until = ?,
		made_by = ?, updated_at = ?, disabled_at = ?, disabled_why = ?, failing_since = ?, succeeded_at = ?, wait_until = ? where endpoint_id = ?`,
		e.URL, e.Description, strings.Join(e.Events, " "), e.headers, e.PerSecond, e.secret, e.oldSecrets, state.Micros(e.OldUntil),
		e.MadeBy, state.Micros(e.UpdatedAt), state.Micros(e.DisabledAt), string(e.Why), state.Micros(e.FailingSince), state.Micros(e.SucceededAt),
		state.Micros(e.WaitUntil), e.ID)
	return err
}

// tryAtOnce lets nothing that waits for an endpoint wait for its time.
func tryAtOnce(ctx context.Context, tx *sql.Tx, id int64) error {
	_, err := tx.ExecContext(ctx, "update webhook_deliveries set next_at = null where endpoint_id = ? and done_at is null", id)
	return err
}

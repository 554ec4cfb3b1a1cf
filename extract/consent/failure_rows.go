package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A refreshFailure is a refresh that brought no tokens.
type refreshFailure struct {
	Answer     tokenAnswer // what was answered; ID "" when nothing was
	Outcome    string      // for people: invalid_grant, 503 Service Unavailable, ...
	Refused    bool        // the answer was invalid_grant: counts as a refusal, else as a failure
	Unreadable bool        // keep the sealed answer for repair
	Unsent     bool        // the token never left: no try, and the intent is over
	Status     Status      // new status of the connection; "" leaves it
	RetryAt    time.Time   // UTC

	// RefusedSince is since when the server refuses the grant, in whichever
	// words (UTC): this answer is one more refusal. Zero: it is none.
	RefusedSince time.Time
}

// failRefresh records a failed refresh. Without an answer the intent stays,
// unless the token never left: nobody knows whether it was spent. If the stored
// refresh token is no longer the one that failed, only the try is recorded. That a
// consent is lost goes into the audit trail, a doubt that may pass does not.
func (ts *Tokens) failRefresh(ctx context.Context, f refreshFailure) error {
	a := f.Answer
	return ts.register.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		switch err := closeFailed(ctx, tx, f); {
		case errors.Is(err, errSuperseded):
			return nil, nil // another process finished this answer
		case err != nil:
			return nil, err
		}
		if !f.Unsent {
			if err := noteTry(ctx, tx, a.ConnectionID, ts.register.now(), f.Outcome); err != nil {
				return nil, err
			}
		}
		res, err := tx.ExecContext(ctx, `update tokens set failures = failures + ?, refusals = refusals + ?, retry_at = ?, updated_at = ?
			where connection_id = ? and refresh_hash = ?`, !f.Refused && !f.Unsent, f.Refused, state.Micros(f.RetryAt), state.Micros(ts.register.now()), a.ConnectionID, a.OldHash)
		switch err := state.Affected(res, err, errSuperseded); {
		case errors.Is(err, errSuperseded):
			return nil, nil
		case err != nil:
			return nil, err
		}
		c, err := connectionIn(ctx, tx, a.ConnectionID)
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, "update connections set status = coalesce(nullif(?, ''), status), last_error = ? where connection_id = ?",
			f.Status, f.Outcome, a.ConnectionID)
		if err != nil {
			return nil, err
		}
		return lostActs(c, f), noteRefusal(ctx, tx, f, ts.register.now())
	})
}

func noteRefusal(ctx context.Context, tx *sql.Tx, f refreshFailure, at time.Time) error {
	if f.RefusedSince.IsZero() {
		return nil
	}
	_, err := tx.ExecContext(ctx, "update connections set refused_since = ?, refused_at = ?, refused_said = ? where connection_id = ?",
		state.Micros(f.RefusedSince), state.Micros(at), f.Outcome, f.Answer.ConnectionID)
	return err
}

func noteTry(ctx context.Context, tx *sql.Tx, connectionID string, at time.Time, outcome string) error {
	_, err := tx.ExecContext(ctx, `insert into refresh_tries (connection_id, tried_at, outcome)
		select connection_id, ?, ? from connections where connection_id = ?`, state.Micros(at), outcome, connectionID)
	return err
}

func closeFailed(ctx context.Context, tx *sql.Tx, f refreshFailure) error {
	switch {
	case f.Unsent:
		_, err := tx.ExecContext(ctx, "delete from refresh_intents where connection_id = ? and old_hash = ?", f.Answer.ConnectionID, f.Answer.OldHash)
		return err
	case f.Answer.ID == "":
		return nil
	case f.Unreadable:
		res, err := tx.ExecContext(ctx, "update token_answers set unreadable = ? where answer_id = ? and unreadable = ''", f.Outcome, f.Answer.ID)
		return state.Affected(res, err, errSuperseded)
	default:
		return closeRefresh(ctx, tx, f.Answer)
	}
}

// A Try is a refresh that failed.
type Try struct {
	At      time.Time // UTC
	Outcome string
}

// Tries lists the failed refreshes of a connection, oldest first.
func (r *Register) Tries(ctx context.Context, connectionID string) ([]Try, error) {
	return state.Collect(ctx, r.Store, func(row func(...any) error) (Try, error) {
		var t Try
		err := row(state.Instant(&t.At), &t.Outcome)
		return t, err
	}, "select tried_at, outcome from refresh_tries where connection_id = ? order by tried_at, rowid", connectionID)
}

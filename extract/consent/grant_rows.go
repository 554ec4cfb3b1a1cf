package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// commitCode makes the connection that answer a to an authorisation code
// promised, with its first tokens, and ends the answer. The account is not
// known yet: see settle. Done twice it is done once.
func (ts *Tokens) commitCode(ctx context.Context, a tokenAnswer, g Grant) error {
	return ts.register.Store.Received(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", a.ID)
		if err := state.Affected(res, err, errSuperseded); err == errSuperseded {
			return nil // somebody else finished it
		} else if err != nil {
			return err
		}
		return ts.register.newGrant(ctx, tx, Connection{ID: a.ConnectionID, ParticipantID: a.ParticipantID, Region: a.Region}, g)
	})
}

// failCode ends the answer to a code that brought no tokens. An unreadable one
// is kept, sealed, for repair.
func (ts *Tokens) failCode(ctx context.Context, f refreshFailure) error {
	err := ts.register.Store.Write(ctx, func(tx *sql.Tx) error { return closeFailed(ctx, tx, f) })
	if errors.Is(err, errSuperseded) {
		return nil // another process finished this answer
	}
	return err
}

func (r *Register) newGrant(ctx context.Context, tx *sql.Tx, c Connection, g Grant) error {
	if err := cohort.StandingIn(ctx, tx, c.ParticipantID); err != nil {
		return err
	}
	now := state.Micros(r.now())
	_, err := tx.ExecContext(ctx, `insert into connections (connection_id, participant_id, region, account_hash, status,
		valid_from, valid_to, created_at, granted_at, last_error) values (?1, ?2, ?3, '', ?4, ?5, ?6, ?7, ?7, '')`,
		c.ID, c.ParticipantID, c.Region, Connected, state.Micros(c.ValidFrom), state.Micros(c.ValidTo), now)
	if err != nil {
		return err
	}
	if err := r.sealConnection(ctx, tx, c.ID); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `insert into tokens (connection_id, current, previous, refresh_hash, access_issued_at,
		access_expires_at, failures, refusals, retry_at, updated_at) values (?, ?, null, ?, ?, ?, 0, 0, null, ?)`,
		c.ID, g.Current, g.RefreshHash, state.Micros(g.AccessIssuedAt), state.Micros(g.AccessExpiresAt), now)
	if err != nil {
		return err
	}
	return r.sealTokens(ctx, tx, c.ID)
}

// A tokenImport is a grant taken over from elsewhere.
type tokenImport struct {
	ParticipantID string
	Region        string
	ValidFrom     time.Time // UTC; zero: open
	ValidTo       time.Time
	Grant         Grant
}

// importTokens makes a connection for every grant that was never imported
// before, all or none, and returns their ids; the account of each is seen on
// first use. A token that was imported before is left alone whatever became of
// it: presenting a spent token again can cost the person's consent.
func (mv *Moving) importTokens(ctx context.Context, list []tokenImport) (ids []string, err error) {
	err = mv.register.Store.Change(ctx, func(tx *sql.Tx) (acts []state.Act, err error) {
		for _, t := range list {
			res, err := tx.ExecContext(ctx, `insert into imported_tokens (refresh_hash, imported_at)
				select ?1, ?2 where not exists (select 1 from tokens where refresh_hash = ?1) on conflict do nothing`,
				t.Grant.RefreshHash, state.Micros(mv.register.now()))
			if err := state.Affected(res, err, errSuperseded); err == errSuperseded {
				continue
			} else if err != nil {
				return nil, err
			}
			c := Connection{ID: mv.register.Store.NewID(), ParticipantID: t.ParticipantID, Region: t.Region, Status: Connected, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo}
			if err := mv.register.newGrant(ctx, tx, c, t.Grant); err != nil {
				return nil, err
			}
			ids = append(ids, c.ID)
			acts = append(acts, importAct(c))
		}
		return acts, nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

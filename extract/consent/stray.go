package consent

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// setAside takes the grant of a connection out of use, because an answer of
// another account came through it: it becomes a connection of its own that is set
// aside, as after a sign-in with another account, and the one it was of needs a
// new consent. What is decided then is settle's: the same account goes on where it
// was, another one is a new connection. setAside returns the grant set aside.
// Done twice it is done once.
//
// The caller holds the connection's refresh lease and has finished its answers.
func (r *Register) setAside(ctx context.Context, id string) (Connection, error) {
	var out Connection
	err := r.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		c, err := connectionIn(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if err := r.own(c); err != nil {
			return nil, err
		}
		held, err := state.One(ctx, tx, scanTokens, selectTokens, id)
		if errors.Is(err, sql.ErrNoRows) {
			out, err = strayed(ctx, tx, c)
			return nil, err
		}
		if err == nil {
			err = r.ownTokens(c, held)
		}
		if err != nil {
			return nil, err
		}
		out = Connection{ID: r.Store.NewID(), ParticipantID: c.ParticipantID, Region: c.Region, ValidFrom: c.ValidFrom, ValidTo: c.ValidTo}
		if err := r.newGrant(ctx, tx, out, held.Grant); err != nil {
			return nil, err
		}
		if err := r.moveAside(ctx, tx, c, out); err != nil {
			return nil, err
		}
		if out, err = connectionIn(ctx, tx, out.ID); err != nil {
			return nil, err
		}
		act := connectionAct(c, out)
		act.Reason = "an answer of another Dexcom account came through it"
		return []state.Act{act}, nil
	})
	return out, err
}

// moveAside gives all that from has to the new connection to, and sets that aside.
func (r *Register) moveAside(ctx context.Context, tx *sql.Tx, from, to Connection) error {
	for _, q := range []string{
		"delete from refresh_intents where connection_id = ?1",
		"delete from tokens where connection_id = ?2",
		"update tokens set connection_id = ?2 where connection_id = ?1",
	} {
		if _, err := tx.ExecContext(ctx, q, from.ID, to.ID); err != nil {
			return err
		}
	}
	if err := r.sealTokens(ctx, tx, to.ID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `update connections set aside = 1, strayed_at = ?, status = ?, granted_at = ?, renewed_at = ?, last_error = ?,
		refused_since = ?, refused_at = ?, refused_said = ? where connection_id = ?`,
		state.Micros(r.now()), from.Status, state.Micros(from.GrantedAt), state.Micros(from.RenewedAt), from.LastError,
		state.Micros(from.RefusedSince), state.Micros(from.RefusedAt), from.RefusedSaid, to.ID)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `update connections set status = ?, last_error = '',
		refused_since = null, refused_at = null, refused_said = '' where connection_id = ?`, NeedsReconsent, from.ID)
	return err
}

// strayOf returns the grant that was taken from a connection and set aside;
// ErrNoConnection if there is none.
func (r *Register) strayOf(ctx context.Context, c Connection) (Connection, error) {
	return strayed(ctx, r.Store, c)
}

func strayed(ctx context.Context, q state.Querier, c Connection) (Connection, error) {
	all, err := state.Collect(ctx, q, scanConnection, selectConnections+
		" where participant_id = ? and region = ? and aside = 1 and strayed_at is not null order by created_at, rowid", c.ParticipantID, c.Region)
	if err != nil {
		return Connection{}, err
	}
	if len(all) == 0 {
		return Connection{}, ErrNoConnection
	}
	return slices.MaxFunc(all, func(a, b Connection) int { return a.StrayedAt.Compare(b.StrayedAt) }), nil
}

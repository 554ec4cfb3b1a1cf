package consent

import (
	"context"
	"database/sql"
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
		if err := r.ownGrant(ctx, tx, c); err != nil {
			return nil, err
		}
		held, some, err := tokensIn(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if !some {
			out, err = strayed(ctx, tx, c)
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
	if err := r.handOver(ctx, tx, from.ID, to.ID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `update connections set aside = 1, strayed_at = ?, status = ?, granted_at = ?, renewed_at = ?, last_error = ?,
		refused_since = ?, refused_at = ?, refused_said = ? where connection_id = ?`,
		state.Micros(r.now()), from.Status, state.Micros(from.GrantedAt), state.Micros(from.RenewedAt), from.LastError,
		state.Micros(from.RefusedSince), state.Micros(from.RefusedAt), from.RefusedSaid, to.ID)
	if err != nil {
		return err
	}
	return undoubted(ctx, tx, from.ID, NeedsReconsent)
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

package consent

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// markExported records that the grants with these refresh hashes, by
// connection, have left for another machine: from now on they are not used
// here. Their tokens stay, sealed, so that nothing is lost with the file they
// left in. All or none: the owner must hold every connection's refresh lease,
// else ErrLeaseLost; a token that is no longer the stored one is errSuperseded.
// A connection that is marked already stays so.
func (mv *Moving) markExported(ctx context.Context, owner string, hashes map[string]string, recipient string) error {
	return mv.register.Store.Change(ctx, func(tx *sql.Tx) (acts []state.Act, err error) {
		for id, hash := range hashes {
			if err := mv.holds(ctx, tx, id, owner, hash); err != nil {
				return nil, fmt.Errorf("connection %s: %w", id, err)
			}
			before, err := connectionIn(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			after := before
			after.Status = Exported
			act := connectionAct(before, after)
			act.After["recipient"] = recipient
			acts = append(acts, act)
			if _, err := tx.ExecContext(ctx, "update connections set status = ? where connection_id = ?", Exported, id); err != nil {
				return nil, err
			}
		}
		slices.SortStableFunc(acts, func(a, b state.Act) int { return cmp.Compare(a.ParticipantID, b.ParticipantID) })
		return acts, nil
	})
}

// holds checks that owner has the refresh lease of a connection whose refresh
// token has this hash.
func (mv *Moving) holds(ctx context.Context, tx *sql.Tx, id, owner, hash string) error {
	if err := mv.register.refreshing(id, owner).HeldIn(ctx, tx); err != nil {
		return err
	}
	var n int
	err := tx.QueryRowContext(ctx, "select count(*) from tokens where connection_id = ? and refresh_hash = ?", id, hash).Scan(&n)
	if err == nil && n == 0 {
		err = errSuperseded
	}
	return err
}

// exportedAs returns the connection that is marked exported and holds the
// refresh token with this hash; ErrNoConnection if there is none, *OwnerError if it was
// edited.
func (mv *Moving) exportedAs(ctx context.Context, refreshHash string) (Connection, error) {
	c, err := state.One(ctx, mv.register.Store, scanConnection, selectConnections+
		" where status = ? and connection_id in (select connection_id from tokens where refresh_hash = ?)", Exported, refreshHash)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoConnection
	}
	if err == nil {
		err = mv.register.own(c)
	}
	return c, err
}

// takeBack lets connections that were exported be used here again, all or none.
func (mv *Moving) takeBack(ctx context.Context, ids []string) error {
	return mv.register.Store.Change(ctx, func(tx *sql.Tx) (acts []state.Act, err error) {
		for _, id := range ids {
			before, err := connectionIn(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			if before.Status != Exported {
				continue
			}
			after := before
			after.Status = Connected
			acts = append(acts, connectionAct(before, after))
			if err := undoubted(ctx, tx, id, Connected); err != nil {
				return nil, err
			}
		}
		return acts, nil
	})
}

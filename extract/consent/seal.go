package consent

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dexetl/dexetl/extract/state"
)

// sealAll seals with k every row that has an owner, as it stands, sets the mark, and
// returns how many connections there are. A row that is sealed already says that the
// mark was lost.
func (r *Register) sealAll(ctx context.Context, tx *sql.Tx, k studyKey) (connections int, err error) {
	var sealed int
	err = tx.QueryRowContext(ctx, `select (select count(*) from connections where seal <> '') + (select count(*) from tokens where seal <> '')
		+ (select count(*) from token_answers where seal <> '') + (select count(*) from oauth_states where seal <> '')
		+ (select count(*) from invitations where seal <> '')`).Scan(&sealed)
	if err == nil && sealed > 0 {
		err = ErrSealsLost
	}
	if err != nil {
		return 0, err
	}
	all, err := state.Collect(ctx, tx, scanConnection, selectConnections)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		if err := errors.Join(putSeal(ctx, tx, k.Keyed, c), sealOlderTokens(ctx, tx, k, c.ID)); err != nil {
			return 0, err
		}
	}
	err = errors.Join(sealOlder(ctx, tx, k, scanAnswer, selectAnswers), sealOlder(ctx, tx, k, scanState, selectStates),
		sealOlder(ctx, tx, k, scanInvitation, selectInvitations))
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "insert into meta (key, value) values ('sealed', ?)", k.mark())
	return len(all), err
}

// sealOlder seals all rows of a query.
func sealOlder[T owned](ctx context.Context, tx *sql.Tx, k studyKey, scan func(row func(...any) error) (T, error), query string) error {
	rows, err := state.Collect(ctx, tx, scan, query)
	for _, v := range rows {
		err = errors.Join(err, putSeal(ctx, tx, k.Keyed, v))
	}
	return err
}

// sealOlderTokens seals a connection's tokens, unless its pair is that of another hash.
func sealOlderTokens(ctx context.Context, tx *sql.Tx, k studyKey, id string) error {
	t, held, err := tokensIn(ctx, tx, id)
	if err != nil || !held {
		return err
	}
	if hash, ok := k.RefreshHash(t.Current); ok && hash != t.RefreshHash {
		return nil
	}
	if t.Previous != nil {
		t.PreviousHash, _ = k.RefreshHash(t.Previous) // damaged: nobody can use it
	}
	if _, err := tx.ExecContext(ctx, "update tokens set previous_hash = ? where connection_id = ?", t.PreviousHash, id); err != nil {
		return err
	}
	return putSeal(ctx, tx, k.Keyed, t)
}

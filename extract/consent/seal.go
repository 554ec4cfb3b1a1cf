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
func (r *Register) sealAll(ctx context.Context, tx *sql.Tx, k StudyKey) (connections int, err error) {
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
		if err := setSeal(ctx, tx, k, "connections", "connection_id", c.ID, ownedConnection, c.owned()); err != nil {
			return 0, err
		}
		if err := sealOlderTokens(ctx, tx, k, c.ID); err != nil {
			return 0, err
		}
	}
	if err := sealOlderRows(ctx, tx, k); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "insert into meta (key, value) values ('sealed', ?)", k.mark())
	return len(all), err
}

func setSeal(ctx context.Context, tx *sql.Tx, k StudyKey, table, column, id, about string, owned []string) error {
	_, err := tx.ExecContext(ctx, "update "+table+" set seal = ? where "+column+" = ?", k.Keyed(about, owned...), id)
	return err
}

// sealOlderTokens seals a connection's tokens, unless its pair is that of another hash.
func sealOlderTokens(ctx context.Context, tx *sql.Tx, k StudyKey, id string) error {
	t, err := state.One(ctx, tx, scanTokens, selectTokens, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
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
	return setSeal(ctx, tx, k, "tokens", "connection_id", id, ownedTokens, t.owned())
}

// sealOlderRows seals what leads to a connection.
func sealOlderRows(ctx context.Context, tx *sql.Tx, k StudyKey) error {
	answers, err := state.Collect(ctx, tx, scanAnswer, selectAnswers)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if err := setSeal(ctx, tx, k, "token_answers", "answer_id", a.ID, ownedAnswer, a.owned()); err != nil {
			return err
		}
	}
	states, err := state.Collect(ctx, tx, scanState, selectStates)
	if err != nil {
		return err
	}
	for _, o := range states {
		if err := setSeal(ctx, tx, k, "oauth_states", "state_hash", o.Hash, ownedConsent, o.owned()); err != nil {
			return err
		}
	}
	links, err := state.Collect(ctx, tx, scanInvitation, selectInvitations)
	if err != nil {
		return err
	}
	for _, i := range links {
		if err := setSeal(ctx, tx, k, "invitations", "token_hash", i.Hash, ownedLink, i.owned()); err != nil {
			return err
		}
	}
	return nil
}

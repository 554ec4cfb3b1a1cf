package cohort

import (
	"context"
	"database/sql"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// Remove takes a participant out of the roster, with their windows and exclusions, in a
// transaction that makes sure that nothing else of theirs is held. It returns what that
// changes.
func (c *Cohort) Remove(ctx context.Context, tx *sql.Tx, id string) ([]state.Act, error) {
	who, err := state.One(ctx, tx, scanParticipant, selectParticipants+" where participant_id = ?", id)
	if err != nil {
		return nil, err
	}
	acts, err := windows().without(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	more, err := exclusions().without(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "delete from participants where participant_id = ?", id); err != nil {
		return nil, err
	}
	return append(slices.Concat(acts, more), state.Act{Subject: "participant", ParticipantID: id, Before: who.fields()}), nil
}

// without takes out the rows of one participant.
func (l list[T]) without(ctx context.Context, tx *sql.Tx, id string) ([]state.Act, error) {
	before, err := l.read(ctx, tx)
	if err != nil {
		return nil, err
	}
	after := slices.DeleteFunc(slices.Clone(before), func(v T) bool { return l.who(v) == id })
	if len(after) == len(before) {
		return nil, nil
	}
	return l.acts(before, after), l.put(ctx, tx, after)
}

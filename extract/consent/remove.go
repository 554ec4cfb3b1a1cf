package consent

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// A RemovalBar says why a participant stays in the roster.
type RemovalBar string

// The bars.
const (
	BarWithdrawn RemovalBar = "a withdrawal is on record"
	BarConnected RemovalBar = "a Dexcom account is, or was, connected"
	BarAnswered  RemovalBar = "somebody answered on Dexcom's page, and that stays on record"
	BarSigningIn RemovalBar = "somebody is signing in at this moment"
	BarFetched   RemovalBar = "data were fetched"
)

// A NotRemovableError says why a participant cannot be removed. Nothing was changed.
type NotRemovableError struct {
	ParticipantID string
	Bar           RemovalBar
}

func (e *NotRemovableError) Error() string {
	return fmt.Sprintf("%s cannot be removed: %s", e.ParticipantID, e.Bar)
}

// A Removal is what went with a participant.
type Removal struct{ Links, Windows, Exclusions int }

// Remove takes a participant out of the roster of whom there is nothing but the roster's
// line, as after a slip of the pen: links that nobody answered end, and consents that were
// begun. Else it is a *NotRemovableError. The audit trail keeps what was there.
func (r *Register) Remove(ctx context.Context, id string) (done Removal, err error) {
	err = r.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		if err := r.removable(ctx, tx, id); err != nil {
			return nil, err
		}
		if done.Links, err = deleteLinks(ctx, tx, id); err != nil {
			return nil, err
		}
		acts, err := r.Cohort.Remove(ctx, tx, id)
		for _, act := range acts {
			switch act.Subject {
			case "window":
				done.Windows++
			case "exclusion":
				done.Exclusions++
			}
		}
		return acts, err
	})
	return done, err
}

func (r *Register) removable(ctx context.Context, tx *sql.Tx, id string) error {
	for _, look := range []struct {
		bar   RemovalBar
		query string
	}{
		{BarWithdrawn, "select 1 from withdrawals where participant_id = ?"},
		{BarConnected, "select 1 from connections where participant_id = ?"},
		{BarSigningIn, "select 1 from token_answers where participant_id = ?"},
		{BarAnswered, "select 1 from invitations where participant_id = ? and coalesce(denied_at, doubted_at, connected_at) is not null"},
		{BarSigningIn, "select 1 from oauth_states where participant_id = ? and used_at is not null and expires_at > ?"},
	} {
		found, err := state.Collect(ctx, tx, state.ScanText, look.query+" limit 1", id, state.Micros(r.now()))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return &NotRemovableError{id, look.bar}
		}
	}
	return nil
}

// deleteLinks forgets the links of somebody, and the consents that were begun.
func deleteLinks(ctx context.Context, tx *sql.Tx, id string) (works int, err error) {
	all, err := state.Collect(ctx, tx, scanInvitation, selectInvitations+" where participant_id = ?", id)
	if err != nil {
		return 0, err
	}
	for _, table := range []string{"oauth_states", "invitations"} {
		if _, err := tx.ExecContext(ctx, "delete from "+table+" where participant_id = ?", id); err != nil {
			return 0, err
		}
	}
	return len(slices.DeleteFunc(all, func(i Invitation) bool { return !i.RevokedAt.IsZero() })), nil
}

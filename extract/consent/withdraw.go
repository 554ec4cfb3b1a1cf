package consent

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// ErrTraces says that tokens are deleted, and used by nobody, but that readers
// kept their bytes from being wiped off the write-ahead log.
var ErrTraces = errors.New("the tokens are destroyed, but other processes keep the state open: their sealed bytes are still in its write-ahead log")

// Withdraw records w, ends the participant's connections now and destroys all
// that could bring tokens: sealed pairs, answers, intents and begun consents; and
// the events of webhooks about the participant, sent or not.
// It does so in one transaction and then wipes their bytes off the disk, as far
// as the files of the store go; else it is ErrTraces. It returns how many
// connections it ended. A withdrawal from the same instant is not recorded
// twice, so that an interrupted Withdraw can be repeated; one from another
// instant takes the place of the one before.
func (r *Register) Withdraw(ctx context.Context, w cohort.Withdrawal) (ended int, err error) {
	err = r.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		if w, err = r.Cohort.Record(ctx, tx, w); err != nil {
			return nil, err
		}
		ended, err = destroyGrants(ctx, tx, w.ParticipantID, w.RecordedAt)
		return []state.Act{w.Act(ended)}, err
	})
	if err != nil {
		return 0, fmt.Errorf("withdrawal of %s: %w", w.ParticipantID, err)
	}
	// Before it is done, deleted tokens are in the write-ahead log still.
	if wiped, err := r.Store.Scrub(ctx); err != nil || !wiped {
		return ended, cmp.Or(err, ErrTraces)
	}
	return ended, nil
}

// destroyGrants ends what connects a participant to any account.
func destroyGrants(ctx context.Context, tx *sql.Tx, participant string, at time.Time) (ended int, err error) {
	live, err := state.Collect(ctx, tx, scanConnection, selectConnections+" where participant_id = ? and status <> ?", participant, Ended)
	if err != nil {
		return 0, err
	}
	for _, c := range live {
		if err := endConnection(ctx, tx, c, at, "withdrawn"); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, "update invitations set revoked_at = ? where participant_id = ? and connected_at is null and revoked_at is null",
		state.Micros(at), participant)
	if err != nil {
		return 0, err
	}
	for _, q := range []string{
		"delete from token_answers where participant_id = ?", // those to a code have no connection yet
		"delete from oauth_states where participant_id = ?",
		"delete from webhook_events where participant_id = ?", // with the data that is in them
	} {
		if _, err := tx.ExecContext(ctx, q, participant); err != nil {
			return 0, err
		}
	}
	return len(live), state.MarkScrub(ctx, tx)
}

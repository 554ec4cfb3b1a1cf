package access

import (
	"context"
	"database/sql"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// Of a participant, so many refreshes may be asked for in the time of one.
const (
	RefreshesOf     = 8
	refreshesWithin = time.Hour
)

// Refreshes are those that programs asked for.
type Refreshes struct{ Store *state.Store }

// Take counts one refresh of a participant, or says how long there is none to be had: then
// nothing is counted.
func (r Refreshes) Take(ctx context.Context, participantID string) (wait time.Duration, err error) {
	now := r.Store.Now().UTC()
	err = r.Store.Write(ctx, func(tx *sql.Tx) error {
		// What is to come is of a clock that was put right.
		_, err := tx.ExecContext(ctx, "delete from refreshes where asked_at <= ? or asked_at > ?", state.Micros(now.Add(-refreshesWithin)), state.Micros(now))
		if err != nil {
			return err
		}
		asked, err := state.Collect(ctx, tx, state.ScanInstant, "select asked_at from refreshes where participant_id = ? order by asked_at", participantID)
		if err != nil {
			return err
		}
		if len(asked) >= RefreshesOf {
			wait = asked[len(asked)-RefreshesOf].Add(refreshesWithin).Sub(now)
			return nil
		}
		_, err = tx.ExecContext(ctx, "insert into refreshes (participant_id, asked_at) values (?, ?)", participantID, state.Micros(now))
		return err
	})
	return wait, err
}

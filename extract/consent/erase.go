package consent

import (
	"context"
	"database/sql"
	"fmt"
	"maps"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// Erase takes all rows of a participant out of the state, of connections, links and
// events that were to be sent too, and what the audit trail says of them. Their name
// stays in the roster, among the withdrawals and in the trail. The bytes are wiped by
// state.Store.Vacuum. It returns how many rows went, by table, and lines.
func (r *Register) Erase(ctx context.Context, participant string) (gone map[string]int64, err error) {
	gone = map[string]int64{}
	err = r.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{
			"connections", "token_answers", "oauth_states", "invitations", "api_users", "webhook_events", "webhook_histories",
		} {
			if gone[table], err = cohort.DeleteOf(ctx, tx, table, participant); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
		}
		more, err := cohort.EraseRows(ctx, tx, participant)
		if err != nil {
			return err
		}
		maps.Copy(gone, more)
		return state.MarkScrub(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	lines, err := r.Store.EraseInTrail(ctx, participant)
	gone["audit"] = int64(lines)
	return gone, err
}

package consent

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// Others say how the grants of other participants fared with the same app.
type Others struct {
	Renewed int // renewed since
	Failed  int // tried since, and not renewed
}

// others returns how those fared who share c's app, since an instant (UTC). It
// tells a refusal that is one person's from one that is everybody's.
func (ts *Tokens) others(ctx context.Context, c Connection, since time.Time) (Others, error) {
	return state.One(ctx, ts.register.Store, func(row func(...any) error) (Others, error) {
		var o Others
		err := row(&o.Renewed, &o.Failed)
		return o, err
	}, `select count(*) filter (where renewed), count(*) filter (where not renewed and tried) from (
			select coalesce(renewed_at >= ?3, 0) as renewed,
				exists (select 1 from refresh_tries r where r.connection_id = c.connection_id and r.tried_at >= ?3) as tried
			from connections c where region = ?1 and participant_id <> ?2)`,
		c.Region, c.ParticipantID, state.Micros(since))
}

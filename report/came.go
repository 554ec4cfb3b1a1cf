//go:build linux || darwin

package report

import (
	"context"
	"slices"
)

// A came is how many readings of a participant a snapshot has, of all dates, those in
// exclusions among them.
type came struct {
	readings, values int64 // values: readings that have one
	unplaced         int64 // readings without local time, which belong to no date
}

// valueless reports whether there are readings, and none has a value.
func (c came) valueless() bool { return c.readings > 0 && c.values == 0 }

// whatCame counts the readings of everybody of whom there are any.
func (w *work) whatCame(ctx context.Context) (map[string]came, error) {
	rows, err := w.db.QueryContext(ctx, `select
    participant_id, sum(n_readings)::bigint, sum(n_values)::bigint, coalesce(sum(n_readings) filter (where local_date is null), 0)::bigint,
from glucose_days
group by participant_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]came{}
	for rows.Next() {
		var id string
		var c came
		if err := rows.Scan(&id, &c.readings, &c.values, &c.unplaced); err != nil {
			return nil, err
		}
		all[id] = c
	}
	return all, rows.Err()
}

// idsWhere are the ids of those of the report of whom something is true, in order.
func (w *work) idsWhere(is func(person) bool) (ids []string) {
	for _, p := range w.people {
		if is(p) {
			ids = append(ids, p.Who.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// valueless and unplaced are of whom no reading has a value, and of whom there are readings
// without local time.
func (w *work) valueless() []string {
	return w.idsWhere(func(p person) bool { return p.came.valueless() })
}
func (w *work) unplaced() []string {
	return w.idsWhere(func(p person) bool { return p.came.unplaced > 0 })
}

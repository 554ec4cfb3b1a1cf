//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path"

	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// months is how a computed table lies in files, and which of them change.
type months struct {
	table string
	// changes lists every month with rows, now or in latest, and whether there are any
	// now and whether they are others.
	changes string
	rows    string // all rows, with their month
	order   string
}

// wholeName is the month of rows that belong to none. Its file is always there, so that
// every pattern finds something and sees the columns.
const wholeName = "whole"

// monthOf is the month of a date or a timestamp.
func monthOf(column string) string { return "strftime(" + column + ", '%Y-%m')" }

// monthsOfSpans has days and periods in the month in which they begin.
func monthsOfSpans() months {
	month := "coalesce(if(scope in ('day', 'period'), " + monthOf("first_date") + ", null), '" + wholeName + "')"
	keys := "hash(participant_id, scope, label, first_date, last_date, n_values, readings_hash, metrics_version)"
	return months{
		table: spansTable,
		changes: `select month, bool_or(side = 1) as wanted, sum(side * keys::hugeint) <> 0 as other
from (
    select ` + month + ` as month, 1 as side, ` + keys + ` as keys from scopes
    union all
    select ` + month + `, -1, ` + keys + ` from old_span_metrics
)
group by month`,
		rows: `select *, ` + month + ` as month
from (
    from new_span_metrics
    union all by name
    select o.* replace (k.last_date as last_date)
    from old_span_metrics o
    join kept k on ` + fmt.Sprintf(sameSpan, "o", "k") + `
)`,
		order: "participant_id, scope, label, first_date",
	}
}

// monthsOfEpisodes goes by UTC. When night is may be another one today, for what is as
// it was, too.
func monthsOfEpisodes() months {
	month, night := monthOf("start_utc"), views.InNight("start_local")
	columns := selected(episodes(), func(c transform.Column) string { return identifier(c.Name) })
	return months{
		table: episodesTable,
		changes: `with old as (
    select o.*, k.participant_id is not null as stays,
    from old_episodes o
    left join (select participant_id as participant_id from kept where scope = 'participant') k on k.participant_id = o.participant_id
)
select month, bool_or(wanted) as wanted, bool_or(moved) or sum(side * row_hash::hugeint) <> 0 as other
from (
    select ` + month + ` as month, true as wanted, false as moved, 1 as side, hash(` + columns + `) as row_hash
    from (select * replace (` + night + ` as night) from new_episodes)
    union all
    select ` + month + `, stays, stays and night <> ` + night + `, if(stays, 0, -1), if(stays, 0, hash(` + columns + `))
    from old
)
group by month`,
		rows: `select * replace (` + night + ` as night), ` + month + ` as month
from (
    from new_episodes
    union all by name
    from (from old_episodes o semi join (from kept where scope = 'participant') k on k.participant_id = o.participant_id)
)`,
		order: "participant_id, start_utc, kind",
	}
}

// write gives the folder the files of a table: those of latest where nothing in them
// changed. It appears whole.
func (c *computing) write(ctx context.Context, of months) error {
	changed, same, err := c.changes(ctx, of)
	if err != nil {
		return err
	}
	temporary, name := path.Join(c.folder, "."+of.table), path.Join(c.folder, of.table)
	if err := errors.Join(c.root.RemoveAll(temporary), c.root.RemoveAll(name)); err != nil {
		return err
	}
	err = c.within(temporary, func(to *os.Root) error {
		for _, month := range same {
			if !c.linkLatest(to, of.table, month+".parquet") { // older programs had one file
				changed = append(changed, month)
			}
		}
		for _, month := range changed {
			if err := c.copyTo(ctx, to, temporary, month+".parquet", of.query(month)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.root.Rename(temporary, name)
}

// query is the query for the rows of a month.
func (m months) query(month string) string {
	return "select * exclude (month)\nfrom (" + m.rows + ")\nwhere month = " + text(month) + "\norder by " + m.order
}

// changes lists the months of a table, those whose rows are others than in latest and
// those with the same.
func (c *computing) changes(ctx context.Context, of months) (changed, same []string, err error) {
	rows, err := c.db.QueryContext(ctx, of.changes)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	whole := false
	for rows.Next() {
		var month string
		var wanted, other sql.NullBool
		if err := rows.Scan(&month, &wanted, &other); err != nil {
			return nil, nil, err
		}
		whole = whole || month == wholeName
		switch {
		case month != wholeName && !wanted.Bool:
		case other.Bool:
			changed = append(changed, month)
		default:
			same = append(same, month)
		}
	}
	if !whole {
		same = append(same, wholeName)
	}
	return changed, same, rows.Err()
}

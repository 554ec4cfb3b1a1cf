//go:build linux || darwin

package snapshot

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// months is how a computed table lies in files, by month.
type months struct {
	table string
	other string // query for the months whose rows are others than in latest
	rows  string // query for all rows, with their month
	order string

	takes   bool                                          // rows are taken from latest
	every   string                                        // query for the months that have rows; empty: those of rows
	each    func(ctx context.Context, month string) error // makes what the rows of a month are asked of; nil: it is there
	options []string                                      // for the files
}

// wholeName is the month of rows that belong to none. Its file is always there, so that
// every pattern finds something and sees the columns.
const wholeName = "whole"

// monthOf is the month of a date or a timestamp.
func monthOf(column string) string { return "strftime(" + column + ", '%Y-%m')" }

// monthsOfSpans has days, periods and sensors in the month in which they begin.
func monthsOfSpans(takes bool) months {
	month := "coalesce(if(scope in ('day', 'period', 'sensor'), " + monthOf("first_date") + ", null), '" + wholeName + "')"
	var taken string
	if takes {
		taken = `
    union all by name
    select o.* replace (k.last_date as last_date)
    from old_span_metrics o
    join kept k on ` + sameSpan("o", "k")
	}
	return months{
		table: spansTable, takes: takes,
		other: "select distinct " + month + " as month from compared where state <> 'same'",
		rows: `select *, ` + month + ` as month
from (
    from new_span_metrics` + taken + `
)`,
		order: "participant_id, scope, label, first_date",
	}
}

// monthsOfEpisodes goes by UTC. When night is may be another one today, for what is as
// it was, too.
func monthsOfEpisodes(takes bool) months {
	month, night := monthOf("start_utc"), views.InNight("start_local")
	hashed := "hash(" + selected(episodes(), func(c transform.Column) string { return identifier(c.Name) }) + ")::hugeint"
	const stays = "join (from kept where scope = 'participant') k on k.participant_id = o.participant_id"
	var taken string
	if takes {
		taken = `
    union all by name
    from (from old_episodes o semi ` + stays + `)`
	}
	return months{
		table: episodesTable, takes: takes,
		other: `select month
from (
    select ` + month + ` as month, ` + hashed + ` as one
    from (select * replace (` + night + ` as night) from new_episodes)
    union all
    select ` + month + `, -` + hashed + `
    from old_episodes o anti ` + stays + `
)
group by month
having sum(one) <> 0
union
select ` + month + ` from old_episodes where night <> ` + night,
		rows: `select * replace (` + night + ` as night), ` + month + ` as month
from (
    from new_episodes` + taken + `
)`,
		order: "participant_id, start_utc, kind",
	}
}

// all is the query for all rows, in the order in which they lie in files.
func (m months) all() string {
	return "select * exclude (month)\nfrom (" + m.rows + ")\norder by month, " + m.order
}

// query is the query for the rows of a month.
func (m months) query(month string) string {
	return "select * exclude (month)\nfrom (" + m.rows + ")\nwhere month = " + text(month) + "\norder by " + m.order
}

// write gives the folder the files of a table: those of latest where nothing in them
// changed. It appears whole.
func (c *computing) write(ctx context.Context, of months) error {
	temporary, name := path.Join(c.folder, "."+of.table), path.Join(c.folder, of.table)
	if err := errors.Join(c.root.RemoveAll(temporary), c.root.RemoveAll(name)); err != nil {
		return err
	}
	err := c.within(temporary, func(to *os.Root) error {
		others, err := c.linkMonths(ctx, to, of)
		if err != nil {
			return err
		}
		for _, month := range others {
			n, err := c.copyMonth(ctx, to, temporary, of, month)
			if err == nil && n == 0 && month != wholeName {
				err = to.Remove(month + ".parquet")
			}
			if err != nil {
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

// copyMonth writes the rows of a month, and returns their number.
func (c *computing) copyMonth(ctx context.Context, to *os.Root, folder string, of months, month string) (int64, error) {
	if of.each != nil {
		if err := of.each(ctx, month); err != nil {
			return 0, err
		}
	}
	return c.copyTo(ctx, to, folder, month+".parquet", of.query(month), of.options...)
}

// linkMonths links the files of latest with the rows of this snapshot, and lists the
// months of which there is none.
func (c *computing) linkMonths(ctx context.Context, to *os.Root, of months) (others []string, err error) {
	names, err := c.linkable(of)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if err := c.soundMonths(of, nil); err != nil {
			return nil, err
		}
		others, err := c.strings(ctx, "select distinct month from ("+cmp.Or(of.every, of.rows)+") where month <> '"+wholeName+"'")
		return append(others, wholeName), err
	}
	if others, err = c.strings(ctx, of.other); err != nil {
		return nil, err
	}
	for _, name := range names {
		month := name[:len(name)-len(".parquet")]
		if !slices.Contains(others, month) && !c.linkLatest(to, of.table, name) {
			others = append(others, month)
		}
	}
	if len(others) == 0 {
		return nil, nil // all are linked
	}
	return others, c.soundMonths(of, others)
}

// soundMonths is errUnsound if a file of latest is not as it was made, of which rows are
// taken into others: those of some months, or of all if there are none.
func (c *computing) soundMonths(of months, only []string) error {
	if !of.takes {
		return nil
	}
	names, err := computedNames(c.root, latestName, of.table)
	if err != nil {
		return err
	}
	for _, name := range names {
		wanted := len(only) == 0 || slices.Contains(only, strings.TrimSuffix(name, ".parquet"))
		if wanted && !c.sums.sound(path.Join(of.table, name)) {
			return errUnsound
		}
	}
	return nil
}

// linkable lists the files of a table in latest, if rows are taken from there and lie by
// month.
func (c *computing) linkable(of months) ([]string, error) {
	if !of.takes {
		return nil, nil
	}
	names, err := computedNames(c.root, latestName, of.table)
	if !slices.Contains(names, wholeName+".parquet") { // older programs had one file
		return nil, err
	}
	return names, err
}

// strings lists what a query for texts returns.
func (c *computing) strings(ctx context.Context, query string) (found []string, err error) {
	rows, err := c.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

//go:build linux || darwin

package snapshot

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// storedDays is the folder with the rows of daily_metrics, by month, from the folder of a
// snapshot. They are for that view alone, and no table for people: what they say is what it
// computes where there are none, which takes several times as long as to read them. The
// folder is hidden, as whoever reads a table of each folder would take it for one.
const storedDays = ".daily_metrics"

// rulesKey is what the rules are called in the files, by which their rows were computed.
const rulesKey = "dexetl_rules"

// hasDays reports whether the folder of a snapshot has days that hold: of other rules than
// this program's none do, and what cannot be read is computed when it is asked for.
func hasDays(root *os.Root, folder string) bool {
	in, err := root.Open(path.Join(folder, storedDays, wholeName+".parquet"))
	if err != nil {
		return false
	}
	defer in.Close()
	p, err := file.NewParquetReader(in)
	if err != nil {
		return false
	}
	rules := p.MetaData().KeyValueMetadata().FindValue(rulesKey)
	return rules != nil && *rules == views.DayRules()
}

// daysOf are the files of the days that a snapshot has, if they hold: not without what is
// computed of the order of readings, as then all metric views do without that.
func daysOf(l *lake.Lake, m lake.Manifest) ([]string, error) {
	if !HasComputed(l, m) || !hasDays(l.Root(), folderOf(m.Snapshot)) {
		return nil, nil
	}
	return computedFiles(l, folderOf(m.Snapshot), storedDays)
}

// daysPattern matches these files, from the folder of a snapshot.
const daysPattern = "'" + storedDays + "/*.parquet'"

var dayHashes = sum{name: "day_hashes", table: daysTable, query: views.DayHashes()}

// storeDays gives the folder the days: those of latest that follow from what they followed
// from, and all others computed by the view, over no more than they follow from.
func (c *computing) storeDays(ctx context.Context) error {
	if err := c.relate(ctx, views.DayTables()); err != nil {
		return err
	}
	spans, err := computedFiles(c.lake, c.folder, spansTable)
	if err != nil {
		return err
	}
	if err := c.execute(ctx, relation(spanMetrics(), c.manifest, fileList(spans))); err != nil {
		return err
	}
	if err := c.addUp(ctx, dayHashes); err != nil {
		return err
	}
	if err := c.createViews(ctx, views.DayViews()); err != nil {
		return err
	}
	takes, err := c.compareDays(ctx)
	if err != nil {
		return err
	}
	statements := []string{"create table study as\nfrom study_intervals", "alter view " + daysTable + " rename to study_days"}
	if err := c.execute(ctx, statements...); err != nil {
		return err
	}
	return c.write(ctx, c.monthsOfDays(takes))
}

// compareDays creates compared_days, and reports whether rows are taken from latest.
func (c *computing) compareDays(ctx context.Context) (takes bool, err error) {
	inputs := "create table day_inputs as\n" + views.DayInputs()
	if err := c.execute(ctx, inputs); err != nil {
		return false, err
	}
	if !c.anew && hasDays(c.root, latestName) {
		files, err := computedFiles(c.lake, latestName, storedDays)
		if err != nil {
			return false, err
		}
		old := "read_parquet(" + fileList(files) + ", hive_partitioning = false)"
		if c.execute(ctx, fmt.Sprintf(comparedDays, old, batchDays)) == nil {
			return true, nil
		}
	}
	return false, c.execute(ctx, fmt.Sprintf(comparedDays, "(from day_inputs where false)", batchDays))
}

// batchDays is how many due days are computed at once, about: what DuckDB counts their
// values in has to fit into memory.
const batchDays = 8192

// comparedDays are the days of this snapshot and of latest. All due ones of a participant in
// a month are of one batch.
const comparedDays = `create table compared_days as
with states as (
    select
        coalesce(n.participant_id, o.participant_id) as participant_id,
        coalesce(n.local_date, o.local_date) as local_date,
        strftime(coalesce(n.local_date, o.local_date), '%%Y-%%m') as month,
        n.first_day, n.last_day, n.inputs_hash,
        case
            when n.inputs_hash is null then 'gone'
            when n.inputs_hash = o.inputs_hash then 'same'
            else 'due'
        end as state,
    from day_inputs n
    full join %s o on o.participant_id = n.participant_id and o.local_date = n.local_date
)
select
    participant_id, local_date, month, first_day, last_day, inputs_hash, state,
    ((count(*) filter (where state = 'due') over (partition by month order by participant_id) - 1) // %d)::varchar as batch,
from states`

// monthsOfDays has each day in the month of its date.
func (c *computing) monthsOfDays(takes bool) months {
	made := false
	return months{
		table: storedDays, takes: takes,
		other: "select distinct month from compared_days where state <> 'same'",
		every: "select distinct month from compared_days where state <> 'gone'",
		rows:  "select *, strftime(local_date, '%Y-%m') as month\nfrom (\n    from new_days\n    union all by name\n    from taken_days\n)",
		order: "participant_id, local_date",
		each: func(ctx context.Context, month string) error {
			if month == wholeName && made {
				return nil // no day is in it, and to plan the view is dear
			}
			made = true
			return c.computeDays(ctx, month, takes)
		},
		// Whoever asks for one participant decodes what everybody in a row group has.
		options: []string{"row_group_size 2048", fmt.Sprintf("kv_metadata {%s: %s}", rulesKey, text(views.DayRules()))},
	}
}

// computeDays creates new_days and taken_days of a month.
func (c *computing) computeDays(ctx context.Context, month string, takes bool) error {
	spans, err := c.spansOf(month)
	if err != nil {
		return err
	}
	taken, err := c.takenDays(month, takes)
	if err != nil {
		return err
	}
	batches, err := c.strings(ctx, "select distinct batch from compared_days where state = 'due' and month = "+text(month))
	if err != nil {
		return err
	}
	if len(batches) == 0 {
		batches = []string{""} // of no day; new_days has to be there
	}
	statements := []string{spans}
	create := "create or replace table new_days as\n"
	for _, batch := range batches {
		statements = append(append(statements, narrowed(month, batch)...), create+newDays)
		create = "insert into new_days\n"
	}
	return c.execute(ctx, append(statements, taken)...)
}

// takenDays is the statement for the days of a month that latest has and that are right as
// they are.
func (c *computing) takenDays(month string, takes bool) (string, error) {
	const none = "create or replace view taken_days as\nfrom new_days\nwhere false"
	name := path.Join(latestName, storedDays, month+".parquet")
	if there, err := c.has(name); err != nil || !there || !takes {
		return none, err
	}
	old, err := absolute(c.lake, name)
	return fmt.Sprintf(`create or replace view taken_days as
select o.*
from read_parquet(%s, hive_partitioning = false) o
semi join (from compared_days where state = 'same') c on c.participant_id = o.participant_id and c.local_date = o.local_date`,
		text(old)), err
}

// spansOf is the statement for the rows of span_metrics that the days of a month need.
func (c *computing) spansOf(month string) (string, error) {
	name := path.Join(c.folder, spansTable, month+".parquet")
	if there, err := c.has(name); err != nil || !there {
		return emptyRelation(spanMetrics()), err
	}
	file, err := absolute(c.lake, name)
	return relation(spanMetrics(), c.manifest, fileList([]string{file})), err
}

// narrowed are the statements that leave daily_metrics the due days of a batch, and of the
// readings what these follow from: days in a row as one interval, as it ends a day where
// the next one begins.
func narrowed(month, batch string) []string {
	return []string{
		`create or replace table due_days as
select participant_id, local_date, first_day, last_day, inputs_hash,
from compared_days
where state = 'due' and month = ` + text(month) + ` and batch = ` + text(batch),
		`create or replace table due_intervals as
select s.* replace (d.first_date as first_date, d.last_date as last_date)
from study s
join (
    select participant_id, min(local_date) as first_date, max(local_date) as last_date,
    from (
        select participant_id, local_date, local_date - (row_number() over (partition by participant_id order by local_date))::integer as island,
        from due_days
    )
    group by participant_id, island
) d on d.participant_id = s.participant_id`,
		`create or replace table due_sums as
select s.*
from study_days s
join (
    select distinct participant_id, unnest(generate_series(first_day, last_day, interval 1 day)) as day,
    from due_days
) d on d.participant_id = s.participant_id and d.day = s.day`,
		"create or replace view study_intervals as\nfrom due_intervals",
		"create or replace view " + daysTable + " as\nfrom due_sums",
	}
}

// newDays are the due days, as files have them.
var newDays = `select d.inputs_hash, m.*
from (
` + views.PackedDays() + `
) m
join due_days d on d.participant_id = m.participant_id and d.local_date = m.local_date`

// daysView is daily_metrics as it computes them.
func daysView() views.View {
	all := views.Views()
	return all[slices.IndexFunc(all, isDays)]
}

func isDays(v views.View) bool { return v.Name == views.Days }

// withDays are views of which daily_metrics reads files.
func withDays(all []views.View, files string) []views.View {
	all = slices.Clone(all)
	if i := slices.IndexFunc(all, isDays); i >= 0 {
		all[i].Body = views.DaysFrom("read_parquet(" + files + ", hive_partitioning = false)")
	}
	return all
}

// keepsDays reports whether the views of the snapshot read the stored days.
func (p *publisher) keepsDays() bool {
	there, err := hasComputed(p.root, p.folder)
	return err == nil && there && p.damage.of(spansTable) == nil && hasDays(p.root, p.folder)
}

// script is the content of views.sql.
func (p *publisher) script() []byte {
	all := views.Views()
	if p.keepsDays() {
		all = withDays(all, daysPattern)
	}
	return viewsScript(p.manifest, p.damage, all)
}

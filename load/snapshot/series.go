package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// OpenSeries returns an in-memory DuckDB session in which glucose is the file
// at path, a CSV with the columns id, time and gl (mg/dL; empty or NA: none),
// every other table is empty, and there are no views: for the [sql.Selection] of
// data that never saw a lake.
// Times are local wall clocks and stand for elapsed time too; equal rows of an
// id and time count once, the last one. An error in the file shows here, with
// its line, not in a query.
func OpenSeries(ctx context.Context, path string, limits Limits) (*sql.DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	db := sql.OpenDB(connector)
	err = run(ctx, db, limits.statements()...)
	if err == nil {
		err = readSeries(ctx, db, path)
	}
	if err == nil {
		err = run(ctx, db, otherTables()...)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func run(ctx context.Context, db *sql.DB, statements ...string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	return nil
}

// otherTables makes the tables that a series does not have.
func otherTables() (statements []string) {
	for _, t := range tables() {
		if t.Name != "glucose" {
			statements = append(statements, emptyRelation(t))
		}
	}
	return statements
}

// readSeries makes glucose of the file.
func readSeries(ctx context.Context, db *sql.DB, path string) error {
	read := "create table series as select row_number() over () + 1 as line, id, \"time\", nullif(gl, 'NA') as gl from read_csv(" +
		text(noPattern(path)) + ", header = true, all_varchar = true)"
	if _, err := db.ExecContext(ctx, read); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	if err := badLine(ctx, db); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	return run(ctx, db, seriesRelation, "drop table series")
}

// badLine returns an error about the first row that is no reading.
func badLine(ctx context.Context, db *sql.DB) error {
	var line int64
	var problem string
	err := db.QueryRowContext(ctx, badRow).Scan(&line, &problem)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("line %d: %s", line, problem)
}

const badRow = `select line, problem
from (
    select line,
        case
            when id is null then 'no id'
            when "time" is null then 'no time'
            when try_cast("time" as timestamp) is null then 'time "' || "time" || '" is not like 2026-03-01 12:05:00'
            when gl is not null and not coalesce(isfinite(try_cast(gl as double)), false) then 'gl "' || gl || '" is not a number'
        end as problem,
    from series
)
where problem is not null
order by line
limit 1`

const seriesRelation = `create table glucose as
select
    participant_id,
    local_time as time_utc,
    local_time,
    local_time::date as local_date,
    'sent' as local_time_source,
    null::integer as study_day,
    glucose_mgdl,
    if(glucose_mgdl is null, null, 'value') as glucose_source,
    null::varchar as status,
    null::varchar as trend,
    null::double as trend_rate_mgdl_min,
    null::varchar as transmitter_id,
    1::smallint as n_sources,
    false as overlap,
    false as clock_suspect,
    null::smallint as cadence_min,
from (
    select id as participant_id, "time"::timestamp as local_time, gl::double as glucose_mgdl, line,
    from series
)
qualify row_number() over (partition by participant_id, local_time order by line desc) = 1`

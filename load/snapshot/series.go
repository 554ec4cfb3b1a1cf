//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"slices"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// A SeriesReading is a reading of data that never saw a lake.
type SeriesReading struct {
	ParticipantID string
	Time          int64   // UTC in µs since 1970
	Local         int64   // the wall clock, as if it were UTC
	Value         float64 // mg/dL; of no meaning without Source
	Source        string  // as glucose_source; "" for no value
	Cadence       int16   // minutes
}

// hasValue reports whether the reading counts as glucose.
func (r *SeriesReading) hasValue() bool { return r.Source != "" && r.Source != "implausible" }

// OpenSeries returns an in-memory DuckDB session in which glucose is the
// readings given, no two of one participant at one time, every other table is
// empty but for settings, by their keys, and there are no views: for the
// [sql.Selection] of data that never saw a lake. Like that of [Open], it runs nothing but queries, and Close removes
// what did not fit into memory.
func OpenSeries(ctx context.Context, readings iter.Seq[SeriesReading], settings map[string]string, limits Limits) (*sql.DB, error) {
	s, err := newSession(limits, temporarySpill())
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if err := s.fill(ctx, readings, settings, limits); err != nil {
		return nil, fmt.Errorf("session: %w", errors.Join(err, s.Close()))
	}
	return sql.OpenDB(s), nil
}

// fill makes the tables of a session of readings.
func (s *session) fill(ctx context.Context, readings iter.Seq[SeriesReading], settings map[string]string, limits Limits) error {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	statements := slices.Concat(limits.statements(), s.spill.statements(), []string{seriesTable, seriesGlucose})
	for _, t := range tables() {
		switch t.Name {
		case "glucose":
		case "settings":
			statements = append(statements, settingsRelation(settings))
		default:
			statements = append(statements, emptyRelation(t))
		}
	}
	for _, statement := range statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return err
		}
	}
	return appendSeries(ctx, conn, readings)
}

// settingsRelation is the statement for the table settings with these.
func settingsRelation(settings map[string]string) string {
	rows := "create view settings as\nselect null::varchar as key, null::varchar as value where false"
	for key, value := range settings {
		rows += "\nunion all select " + text(key) + ", " + text(value)
	}
	return rows
}

// appendSeries fills the table of the readings.
func appendSeries(ctx context.Context, conn driver.Conn, readings iter.Seq[SeriesReading]) (err error) {
	rows, err := duckdb.NewAppenderFromConn(conn, "", "series")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for r := range readings {
		var value, source any
		if r.hasValue() {
			value = r.Value
		}
		if r.Source != "" {
			source = r.Source
		}
		if err := rows.AppendRow(r.ParticipantID, r.Time, r.Local, value, source, r.Cadence); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

const seriesTable = `create table series (
    participant_id varchar,
    utc_us bigint,
    local_us bigint,
    glucose_mgdl double,
    glucose_source varchar,
    cadence_min smallint
)`

const seriesGlucose = `create view glucose as
select
    participant_id,
    make_timestamp(utc_us) as time_utc,
    make_timestamp(local_us) as local_time,
    make_timestamp(local_us)::date as local_date,
    'sent' as local_time_source,
    null::integer as study_day,
    glucose_mgdl,
    glucose_source,
    null::varchar as status,
    null::varchar as trend,
    null::double as trend_rate_mgdl_min,
    null::varchar as transmitter_id,
    1::smallint as n_sources,
    false as overlap,
    false as clock_suspect,
    cadence_min,
    ` + withoutValue + ` as excluded,
from series`

//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// A filling computes spans into tables of a session.
type filling struct {
	db   *sql.DB   // has the readings
	conn *sql.Conn // of db; may have relations of its own, and nobody has it after this one
}

// fillWith does something with connections of the session that may write.
func (s *session) fillWith(ctx context.Context, do func(filling) error) (err error) {
	f := filling{db: sql.OpenDB(unhindered{s.Connector})}
	defer func() { err = errors.Join(err, f.db.Close()) }()
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.conn.Close()) }()
	return do(f)
}

// An unhindered connector hands out connections that run whatever they are given, and leaves
// the session open.
type unhindered struct{ driver.Connector }

func (f filling) execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := f.conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// due lists the spans that are new or changed.
func (f filling) due(ctx context.Context) (found []Span, err error) {
	rows, err := f.conn.QueryContext(ctx, `from compared
select participant_id, scope, label, first_date, last_date, takes_unknown, first_utc, last_utc, n_values, readings_hash, metrics_version, episode_preset, preset
where state = 'due'
order by participant_id, scope, label, first_date`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Span
		var first, last, from, to sql.NullTime
		if err := rows.Scan(&s.ParticipantID, &s.Scope, &s.Label, &first, &last, &s.TakesUnknown, &from, &to, &s.Values, &s.hash, &s.version, &s.episodePreset, &s.preset); err != nil {
			return nil, err
		}
		s.First, s.Last, s.From, s.To = first.Time, last.Time, from.Time, to.Time
		found = append(found, s)
	}
	return found, rows.Err()
}

// fill computes what is due into the tables of what is new, row by row: nobody holds
// all of it.
func (f filling) fill(ctx context.Context, with Compute, due []Span) error {
	return f.conn.Raw(func(raw any) error { return f.appendTo(ctx, raw.(driver.Conn), with, due) })
}

func (f filling) appendTo(ctx context.Context, to driver.Conn, with Compute, due []Span) (err error) {
	spans, err := duckdb.NewAppenderFromConn(to, "", "new_"+spansTable)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spans.Close()) }()
	episodes, err := duckdb.NewAppenderFromConn(to, "", "new_"+episodesTable)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, episodes.Close()) }()
	var one sync.Mutex
	return with(ctx, f.db, due, func(of Span, values []float64, found []Episode) error {
		one.Lock()
		defer one.Unlock()
		err := spans.AppendRow(of.row(values)...)
		for i := range found {
			err = errors.Join(err, episodes.AppendRow(found[i].row(of.version)...))
		}
		return err
	})
}

// row is the span's row of span_metrics.
func (s *Span) row(values []float64) []driver.Value {
	row := make([]driver.Value, 0, 10+len(values))
	row = append(row, s.ParticipantID, s.Scope, s.Label, orNull(s.First), orNull(s.Last), s.Values, s.hash, s.version, s.episodePreset, s.preset)
	for _, v := range values {
		if v != v {
			row = append(row, nil)
		} else {
			row = append(row, v)
		}
	}
	return row
}

// row is the row of an episode. Whether it is by night is found out when it is written.
func (e *Episode) row(metricsVersion int16) []driver.Value {
	return []driver.Value{
		e.ParticipantID, e.Kind, orNull(e.LocalStart), orNull(e.LocalEnd), e.Start, e.End, int64(e.Values),
		e.MeanMgdL, int16(e.Level), false, e.TruncatedStart, e.TruncatedEnd, e.Preset, metricsVersion, e.ExtremeMgdL, e.DurationMin,
	}
}

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

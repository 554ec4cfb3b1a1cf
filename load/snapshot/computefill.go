//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// fill computes what is due into the tables of what is new, row by row: nobody holds
// all of it.
func (c *computing) fill(ctx context.Context, due []Span) (err error) {
	spans, err := duckdb.NewAppenderFromConn(c.conn, "", "new_"+spansTable)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spans.Close()) }()
	episodes, err := duckdb.NewAppenderFromConn(c.conn, "", "new_"+episodesTable)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, episodes.Close()) }()
	var one sync.Mutex
	return c.with(ctx, c.db, due, func(of Span, values []float64, found []Episode) error {
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

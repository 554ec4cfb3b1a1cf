package study

import (
	"context"
	"database/sql"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/schemas"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// Query answers one statement over the snapshot called which ("": newest).
func (s *Study) Query(ctx context.Context, which, schema, statement string, args ...any) (table.Table, error) {
	return s.query(ctx, which, func(l *lake.Lake, m lake.Manifest) (*sql.DB, error) {
		return snapshot.Open(ctx, l, m, ComputeSpans, snapshot.Limits{})
	}, schema, statement, args...)
}

// QueryOnly answers a statement that reads nothing but the tables named, of the
// newest snapshot: damage elsewhere does not matter to it.
func (s *Study) QueryOnly(ctx context.Context, tables []string, schema, statement string, args ...any) (table.Table, error) {
	return s.queryOnly(ctx, "", tables, schema, statement, args...)
}

func (s *Study) queryOnly(ctx context.Context, which string, tables []string, schema, statement string, args ...any) (table.Table, error) {
	return s.query(ctx, which, func(l *lake.Lake, m lake.Manifest) (*sql.DB, error) {
		return snapshot.OpenOnly(ctx, l, m, snapshot.Limits{}, tables...)
	}, schema, statement, args...)
}

func (s *Study) query(ctx context.Context, which string, open func(*lake.Lake, lake.Manifest) (*sql.DB, error), schema, statement string, args ...any) (table.Table, error) {
	return s.within(ctx, which, open, func(db *sql.DB, _ *lake.Lake, _ lake.Manifest) (table.Table, error) {
		return tableOf(ctx, db, schema, statement, args...)
	})
}

// within asks something in a session of a snapshot.
func (s *Study) within(ctx context.Context, which string, open func(*lake.Lake, lake.Manifest) (*sql.DB, error), ask func(*sql.DB, *lake.Lake, lake.Manifest) (table.Table, error)) (table.Table, error) {
	l, m, err := s.Snapshot(which)
	if err != nil {
		return table.Table{}, err
	}
	defer l.Close()
	db, err := open(l, m)
	if err != nil {
		return table.Table{}, err
	}
	defer db.Close()
	t, err := ask(db, l, m)
	return t, answer.Explain(ctx, l, m, err)
}

func tableOf(ctx context.Context, db *sql.DB, schema, statement string, args ...any) (table.Table, error) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return table.Table{}, err
	}
	return table.Read(schema, rows)
}

// Metrics are those of the snapshot called which ("": newest).
func (s *Study) Metrics(ctx context.Context, which string, chosen views.Selection) (table.Table, error) {
	return s.within(ctx, which, func(l *lake.Lake, m lake.Manifest) (*sql.DB, error) {
		return snapshot.Open(ctx, l, m, nil, snapshot.Limits{}) // of those chosen alone it takes less
	}, func(db *sql.DB, l *lake.Lake, m lake.Manifest) (table.Table, error) {
		chosen.FromReadings, chosen.Spans = !m.KeepsDays(), snapshot.HasComputed(l, m)
		return metricsOf(ctx, db, chosen)
	})
}

// metricsOf are those of a session: what SQL says, and what depends on the order of
// readings.
func metricsOf(ctx context.Context, db *sql.DB, chosen views.Selection) (table.Table, error) {
	statement, args := chosen.Query()
	t, err := tableOf(ctx, db, schemas.Metrics().Schema(), statement, args...)
	if err == nil && !chosen.Stored() {
		err = addSpans(ctx, db, chosen, &t)
	}
	return t, err
}

// BaselineCut are the participants of whose window a selection of the latest days takes
// none, and those of whose window it takes a part, because it is a baseline: see
// [views.Selection.BaselineCut].
func (s *Study) BaselineCut(ctx context.Context, which string, chosen views.Selection) (none, part []string, err error) {
	statement, args := chosen.BaselineCut()
	if statement == "" {
		return nil, nil, nil
	}
	t, err := s.Query(ctx, which, schemas.Metrics().Schema(), statement, args...)
	for _, row := range t.Rows {
		if id := row[0].(string); row[1].(bool) {
			none = append(none, id)
		} else {
			part = append(part, id)
		}
	}
	return none, part, err
}

// MetricsOf are those of a file, by some thresholds.
func MetricsOf(ctx context.Context, file cgmfile.File, chosen views.Selection, by config.Metrics) (table.Table, error) {
	db, err := snapshot.OpenSeries(ctx, Readings(file), by.Settings(), snapshot.Limits{})
	if err != nil {
		return table.Table{}, err
	}
	defer db.Close()
	chosen.FromReadings = true
	t, err := metricsOf(ctx, db, chosen)
	if short, ok := answer.OutOfMemory(err); ok {
		return t, short
	}
	return t, err
}

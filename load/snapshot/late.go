//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql/driver"
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// late are the computed tables of a session that its snapshot does not have in files. They are
// empty until the first statement that may read them. Their rows are in memory, and what does
// not fit in the spill of the session, encrypted: the snapshot may be of somebody who has
// withdrawn since, and nothing of it comes to lie anywhere else.
type late struct {
	with Compute
	mu   sync.Mutex
	made bool
}

// computed are the statements for the computed tables, and the files that they read.
func (s *session) computed(l *lake.Lake, m lake.Manifest, with Compute, harm damage) (statements, files []string, err error) {
	s.late = nil
	stored := HasComputed(l, m) // perhaps before there was any damage
	for _, t := range Computed() {
		switch {
		case stored:
			of, err := computedFiles(l, folderOf(m.Snapshot), t.Name)
			if err != nil {
				return nil, nil, err
			}
			files = append(files, of...)
			statements = append(statements, relation(t, m, fileList(of)))
		case harm.of(t.Name) != nil:
			statements = append(statements, failingRelation(t, complaint(harm.of(t.Name))))
		case with == nil:
			statements = append(statements, emptyRelation(t))
		default:
			statements = append(statements, "create or replace table "+identifier(t.Name)+" as\n"+noRows(t))
			s.late = &late{with: with}
		}
	}
	return statements, files, nil
}

// ready computes them, if a statement may read them and no other one did before.
func (s *session) ready(ctx context.Context, statement string) error {
	if s.late == nil || !views.NeedsSpans(statement) {
		return nil
	}
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	if s.late.made {
		return nil
	}
	err := s.fillWith(ctx, func(f filling) error { return f.fillLate(ctx, s.late.with) })
	s.late.made = err == nil
	return err
}

// fillLate computes all spans of the session's readings, as a snapshot is published, with
// relations that only its connection sees. The rows come at once, as they would lie in files.
func (f filling) fillLate(ctx context.Context, with Compute) error {
	statements := []string{
		"create temporary table reading_hashes as\n" + views.ReadingHashes(),
		"create temporary table sensor_sessions as\nfrom main.sensor_sessions",
		"create temporary table sensor_scopes as\n" + views.SensorScopes(),
		"create temporary table scopes as\n" + views.SpanScopes(),
		"create temporary view compared as\n" + allDue,
	}
	for _, t := range Computed() {
		statements = append(statements, "create temporary table new_"+t.Name+" as\n"+noRows(t))
	}
	if err := f.execute(ctx, statements...); err != nil {
		return err
	}
	due, err := f.due(ctx)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := f.fill(ctx, with, due); err != nil {
		return err
	}
	return f.execute(ctx, "begin",
		"insert into "+spansTable+"\n"+monthsOfSpans(false).all(),
		"insert into "+episodesTable+"\n"+monthsOfEpisodes(false).all(),
		"commit")
}

// A writer is a connection that runs whatever it is given.
type writer struct {
	*duckdb.Conn
	session *session
}

// PrepareContext implements driver.ConnPrepareContext.
func (w writer) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := w.session.ready(ctx, query); err != nil {
		return nil, err
	}
	return w.Conn.PrepareContext(ctx, query)
}

// ExecContext implements driver.ExecerContext.
func (w writer) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := w.session.ready(ctx, query); err != nil {
		return nil, err
	}
	return w.Conn.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (w writer) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := w.session.ready(ctx, query); err != nil {
		return nil, err
	}
	return w.Conn.QueryContext(ctx, query, args)
}

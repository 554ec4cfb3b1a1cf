//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// Open returns an in-memory DuckDB session with the tables and views of
// snapshot m, for statements that others wrote: they can read the files of the
// snapshot and nothing else, write nothing and change no setting. What does not
// fit into memory goes to a folder of the lake, encrypted, which Close removes, or
// else the next session. The zero Manifest has all tables and no rows. A table with a file that is missing or
// damaged fails when it is read, as far as that shows before a query, and so do the
// views that read it; [Explain] tells which file it is. With computes the tables that depend
// on the order of readings, if the snapshot does not have them in files, for the first
// statement that may read them; nil: they are empty.
func Open(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute, limits Limits) (*sql.DB, error) {
	return open(ctx, l, m, with, limits, func(string) bool { return true })
}

// OpenToExport is Open for statements of this program, which may write into a folder, too,
// and there alone. Of the tables that no session shows there are those that are named.
func OpenToExport(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute, limits Limits, folder string, hidden ...string) (*sql.DB, error) {
	shown := tables()
	for _, name := range hidden {
		t, _ := transform.TableNamed(name)
		shown = append(shown, t)
	}
	all := func(string) bool { return true }
	s, err := openSession(ctx, l, m, with, limits, shown, all, "set allowed_directories = "+fileList([]string{folder + "/"}))
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(writing{s}), nil
}

// A writing session hands out connections that run whatever they are given.
type writing struct{ *session }

// Connect implements driver.Connector.
func (w writing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := w.session.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return writer{conn.(*duckdb.Conn), w.session}, nil
}

// OpenOnly is Open for the tables and views named, which must be all that the
// views read, and in files: no file of another table is looked at.
func OpenOnly(ctx context.Context, l *lake.Lake, m lake.Manifest, limits Limits, names ...string) (*sql.DB, error) {
	m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f lake.File) bool { return !slices.Contains(names, f.Table) })
	return open(ctx, l, m, nil, limits, func(name string) bool { return slices.Contains(names, name) })
}

func open(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute, limits Limits, wanted func(string) bool) (*sql.DB, error) {
	// Whoever asks need not be allowed to read the files that no session shows.
	shown := slices.DeleteFunc(tables(), func(t transform.Table) bool { return !wanted(t.Name) })
	s, err := openSession(ctx, l, m, with, limits, shown, wanted)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(s), nil
}

// openSession makes a session of some tables, and of the views that are wanted; more are
// settings before the door is closed.
func openSession(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute, limits Limits, shown []transform.Table, wanted func(string) bool, more ...string) (*session, error) {
	harm, isRead := make(damage), func(table string) bool {
		return slices.ContainsFunc(shown, func(t transform.Table) bool { return t.Name == table })
	}
	if _, err := harm.look(ctx, m, isRead, l.CheckSize); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	session, err := newSession(limits, spillParents(l.Path())...)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	prepare := func() error { return session.prepare(ctx, l, m, with, harm, limits, shown, wanted, more) }
	err = prepare()
	if err != nil { // DuckDB looks into files, and does not say which one is damaged
		found, e := harm.look(ctx, m, isRead, l.Check)
		if err = errors.Join(err, e); e == nil && found {
			err = prepare()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("session: %w", errors.Join(err, session.Close()))
	}
	return session, nil
}

// sources returns the absolute paths of the files of a table.
func sources(l *lake.Lake, m lake.Manifest, table string) ([]string, error) {
	var names []string
	for _, f := range m.TableFiles(table) {
		name, err := absolute(l, f.Path)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// HasComputed reports whether a snapshot has the tables that depend on the order of
// readings in files: those of older programs, and those whose folder is gone, lack them.
func HasComputed(l *lake.Lake, m lake.Manifest) bool {
	there, err := hasReadable(l.Root(), folderOf(m.Snapshot))
	return there && err == nil
}

// A session hands out connections that only read.
type session struct {
	*duckdb.Connector
	spill *Spill
	late  *late // nil: there are none
}

// newSession makes an empty one that keeps what does not fit into memory in the spill
// of limits, or else in one of spills.
func newSession(limits Limits, spills ...string) (*session, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	s := &session{Connector: connector, spill: limits.Spill}
	if s.spill == nil {
		s.spill = newSpill(spills...)
	}
	return s, nil
}

// prepare creates the relations that are wanted and then closes the door.
func (s *session) prepare(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute, harm damage, limits Limits, shown []transform.Table, wanted func(string) bool, more []string) error {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	statements := append(limits.statements(), s.spill.statements()...)
	var allowed []string
	for _, t := range shown {
		if isComputed(t.Name) {
			continue
		}
		files, err := sources(l, m, t.Name)
		if err != nil {
			return err
		}
		if len(files) == 0 && !lacksDays(t, m) {
			statements = append(statements, emptyRelation(t))
			continue
		}
		if harm.of(t.Name) == nil {
			allowed = slices.Concat(allowed, files)
		}
		statements = append(statements, harm.relation(t, m, fileList(files)))
	}
	if wanted(spansTable) {
		create, files, err := s.computed(l, m, with, harm)
		if err != nil {
			return err
		}
		allowed = slices.Concat(allowed, files)
		statements = slices.Concat(statements, create)
	}
	days, err := daysOf(l, m)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(views.Views(), func(v views.View) bool { return !wanted(v.Name) })
	if len(days) > 0 {
		allowed = slices.Concat(allowed, days)
		chosen = withDays(chosen, fileList(days))
	}
	sensors, err := sessionsOf(l, m)
	if err != nil {
		return err
	}
	if len(sensors) > 0 && harm.of(sensorSessions.table) == nil {
		allowed = slices.Concat(allowed, sensors)
		chosen = withSessions(chosen, fileList(sensors))
	}
	statements = slices.Concat(statements, []string{createSchema}, views.Create(chosen))
	if wanted(spansTable) && harm.of(spansTable) != nil && !HasComputed(l, m) {
		statements = append(statements, views.NoSpans()) // metric views are of use without
	}
	statements = slices.Concat(statements, more, lockdown(allowed))
	for _, statement := range statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return err
		}
	}
	return nil
}

// lockdown are the settings that leave a session nothing but files. Allowed
// paths are not patterns, and they can be written as well as read, which is
// why connections refuse everything that is not a query.
func lockdown(files []string) []string {
	return []string{
		"set allow_persistent_secrets = false",
		"set allowed_paths = " + fileList(files),
		"set enable_external_access = false",
		"set lock_configuration = true",
	}
}

// Connect implements driver.Connector.
func (s *session) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return reader{conn.(*duckdb.Conn), s}, nil
}

// Close implements io.Closer; sql.DB calls it.
func (s *session) Close() error {
	return errors.Join(s.Connector.Close(), s.spill.Close())
}

// A reader is a connection that prepares nothing but queries. It has no other
// way to run a statement, so database/sql prepares each of them.
type reader struct {
	conn    *duckdb.Conn
	session *session
}

// Prepare implements driver.Conn.
func (r reader) Prepare(query string) (driver.Stmt, error) {
	return r.PrepareContext(context.Background(), query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (r reader) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := allow(ctx, r.conn, query); err != nil {
		return nil, err
	}
	told := described(query)
	if told == query {
		if err := r.session.ready(ctx, query); err != nil {
			return nil, err
		}
	}
	prepared, err := r.conn.Prepare(told)
	if err != nil {
		if _, known := errors.AsType[*duckdb.Error](err); !known { // DuckDB read it, and found no statement or several
			err = ErrReadOnly
		}
		return nil, err
	}
	kind, err := prepared.(*duckdb.Stmt).StatementType()
	if err == nil && kind != duckdb.STATEMENT_TYPE_SELECT {
		err = ErrReadOnly
	}
	if err != nil {
		return nil, errors.Join(err, prepared.Close())
	}
	return prepared, nil
}

// Close implements driver.Conn.
func (r reader) Close() error { return r.conn.Close() }

// Begin implements driver.Conn.
func (r reader) Begin() (driver.Tx, error) { return nil, ErrReadOnly }

// CheckNamedValue implements driver.NamedValueChecker.
func (r reader) CheckNamedValue(v *driver.NamedValue) error { return r.conn.CheckNamedValue(v) }

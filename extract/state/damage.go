package state

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A DamageError says that the file of the state is corrupt, or no database at
// all. Nothing repairs it; it has to come from a backup.
type DamageError struct {
	Path string // of state.db
	Err  error  // SQLite's
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("state %s is damaged or not a state: %v", e.Path, e.Err)
}

// Unwrap returns SQLite's error.
func (e *DamageError) Unwrap() error { return e.Err }

func isDamage(err error) bool {
	var e *DamageError
	return errors.As(err, &e)
}

// A database is the file at path. What SQLite reports as its damage comes out
// of it as *DamageError, a full disk as *DiskError, one that does not work, or cannot be
// opened, as syscall.EIO or what else the system says, a file that another process holds as *BusyError, and what this account
// may not write as *fs.PathError.
type database struct {
	*sql.DB
	path     string
	full     error // why it is open to be read alone; see openFull
	patience *patience
	prepared *sync.Map // *sql.Stmt by its text
	group    *group
}

// statement returns query as one that stays prepared: that costs more than to run it.
func (d database) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if held, ok := d.prepared.Load(query); ok {
		return held.(*sql.Stmt), nil
	}
	made, err := d.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if held, raced := d.prepared.LoadOrStore(query, made); raced {
		return held.(*sql.Stmt), made.Close()
	}
	return made, nil
}

// QueryContext is for what is read over and over.
func (d database) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := d.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// check returns err, or what its kind is to the caller: see database.
func (d database) check(err error) error {
	var e *sqlite.Error
	if isDamage(err) || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return &DamageError{d.path, err}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL:
		return &BusyError{d.path, busyTimeout, err}
	}
	if d.isFull(e) {
		return d.diskError(cmp.Or(d.full, err))
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		if denied := d.denied(); denied != nil {
			return denied
		}
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR:
		return d.unwritten(err)
	case sqlite3.SQLITE_READONLY: // it opens to read what the disk does not let it open to write
		return fmt.Errorf("state %s: %w: %w", d.path, syscall.EIO, err)
	}
	return err
}

// ExecContext runs one statement, which is a transaction of its own; those of many
// goroutines share one.
func (d database) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return d.group.run(d, &queued{ctx: ctx, text: query, args: args})
}

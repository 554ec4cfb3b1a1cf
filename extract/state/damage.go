package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
// of it as *DamageError, a full disk as *DiskError, and what this account may not
// write as *fs.PathError.
type database struct {
	*sql.DB
	path     string
	readOnly bool // see openFull
}

// check returns err, or what its kind is to the caller: see database.
func (d database) check(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return &DamageError{d.path, err}
	}
	if d.full(e) {
		return d.diskError(err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		if denied := d.denied(); denied != nil {
			return denied
		}
	}
	return err
}

func (d database) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	res, err := d.DB.ExecContext(ctx, query, args...)
	return res, d.check(err)
}

// checkRows is check for an error that reading rows from q ended with. Those of
// a transaction are left to whoever began it.
func checkRows(q querier, err error) error {
	if d, ok := q.(database); ok {
		return d.check(err)
	}
	return err
}

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
// of it as *DamageError, a full disk as *DiskError, a file that another process
// holds as *BusyError, and what this account may not write as *fs.PathError.
type database struct {
	*sql.DB
	path     string
	readOnly bool // see openFull
	patience *patience
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
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL:
		return &BusyError{d.path, busyTimeout, err}
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

func (d database) ExecContext(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	err = d.patiently(ctx, func() (err error) {
		res, err = d.DB.ExecContext(ctx, query, args...)
		return err
	})
	if err == nil {
		d.patience.free()
	}
	return res, err
}

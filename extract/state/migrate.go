package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A SchemaError says that the state was written by a newer program.
type SchemaError struct {
	Found int // schema version of the file
	Known int // newest one this program understands
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("schema version %d is newer than this program's %d: use a newer dexetl", e.Found, e.Known)
}

// migrate runs the migrations the file has not seen, each in one transaction
// with its number as PRAGMA user_version.
func migrate(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version > len(names) {
		return &SchemaError{Found: version, Known: len(names)}
	}
	if err := useWAL(ctx, db); err != nil {
		return err
	}
	if version == len(names) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit there is nothing to roll back
	// Another process may have migrated while this one waited for the lock.
	if version, err = schemaVersion(ctx, tx); err != nil {
		return err
	}
	for i := version; i < len(names); i++ {
		if err := migrateTo(ctx, tx, names[i], i+1); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// upToDate reports whether nothing is left to migrate, as far as can be told.
func upToDate(ctx context.Context, q Querier) bool {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	version, e := schemaVersion(ctx, q)
	return err == nil && e == nil && version == len(names)
}

func migrateTo(ctx context.Context, tx *sql.Tx, name string, version int) error {
	script, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(script)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("pragma user_version = %d", version))
	return err
}

func schemaVersion(ctx context.Context, q Querier) (int, error) {
	return One(ctx, q, func(row func(...any) error) (int, error) {
		var v int
		err := row(&v)
		return v, err
	}, "pragma user_version")
}

// useWAL switches the file to write-ahead logging, which it then keeps. SQLite
// does not wait for the lock that the switch needs, so we do.
func useWAL(ctx context.Context, db *sql.DB) error {
	for wait := time.Millisecond; ; wait *= 2 {
		var mode string
		err := db.QueryRowContext(ctx, "pragma journal_mode = wal").Scan(&mode)
		if err == nil && mode != "wal" {
			return fmt.Errorf("journal mode %s: the file system does not support write-ahead logging", mode)
		}
		if err == nil || !busy(err) || wait > 4*time.Second {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

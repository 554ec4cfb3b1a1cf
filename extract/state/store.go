package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/dexetl/dexetl/extract/fault"
)

// A Store is the state of a study. It may be used by many goroutines, and the
// same folder may be open in many processes.
type Store struct {
	// Now is the clock of everything the store writes or expires: time.Now
	// unless the caller sets another before the first use.
	Now func() time.Time
	// By says in the audit trail who changes the study. It is set before the
	// first change.
	By Author

	keyed    atomic.Pointer[Keyed]
	db       database
	holder   holder
	readFile func(path string) ([]byte, error) // os.ReadFile
}

// Open opens the state in dir, creating folder (0700) and file (0600) if they
// are not there, and brings an older schema up to date. A schema newer than
// this program is a *SchemaError, and nothing is written; a file that is damaged
// or no state is a *DamageError, from here and from all methods that meet it; so
// is a *BusyError for a file that another process holds. On a full disk the state can be read, and who writes gets a *DiskError; so it is
// where nothing may be written, with syscall.EROFS.
func Open(ctx context.Context, dir string) (*Store, error) {
	path := filepath.Join(dir, "state.db")
	if err := create(dir, path); err != nil {
		return nil, fmt.Errorf("state %s: %w", dir, err)
	}
	file, err := openDatabase(path, dsn(path))
	if err == nil {
		err = file.ready(ctx)
	}
	if noRoom(err) {
		file, err = openFull(ctx, path, err)
	}
	if err != nil {
		var busy *BusyError
		if !isDamage(err) && !noRoom(err) && !errors.As(err, &busy) {
			err = fmt.Errorf("state %s: %w", path, err)
		}
		return nil, err
	}
	return &Store{
		Now: time.Now, db: file, readFile: os.ReadFile,
		holder: holder{dir: filepath.Join(dir, "holders"), flock: syscall.Flock},
	}, nil
}

// noRoom reports whether nothing can be written.
func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS) }

func openDatabase(path, dsn string) (database, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return database{}, err
	}
	db.SetMaxOpenConns(1)
	return database{DB: db, path: path, patience: &patience{least: busyTimeout}, prepared: new(sync.Map), group: new(group)}, nil
}

// ready brings the schema up to date, or closes the file.
func (d database) ready(ctx context.Context) error {
	err := d.patiently(ctx, func() error { return migrate(ctx, d.DB) })
	if err != nil {
		err = errors.Join(err, d.Close())
	}
	return err
}

// Close releases the store; claims and leases made through it end.
func (s *Store) Close() error { return errors.Join(s.holder.close(), s.db.Close()) }

// create makes the folder and an empty file that nobody else can read; SQLite
// gives its log files the mode of the file.
func create(dir, path string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return private(path)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// private takes group and others off the mode of path. A link is refused: what it leads
// to is another's, and a migration would change it.
func private(path string) error {
	st, err := os.Lstat(path)
	if err == nil && st.Mode()&fs.ModeSymlink != 0 {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
	}
	if err != nil || st.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, st.Mode().Perm()&0o700)
}

func dsn(path string) string {
	return fileURL(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", oneTry.Milliseconds()), "synchronous(full)", "foreign_keys(1)", "secure_delete(1)"},
	})
}

func fileURL(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String()
}

// Write runs f in one transaction that holds the write lock from its start.
func (s *Store) Write(ctx context.Context, f func(tx *sql.Tx) error) error {
	var tx *sql.Tx
	err := s.db.patiently(ctx, func() (err error) {
		tx, err = s.db.BeginTx(ctx, nil)
		return err
	})
	if err != nil {
		return err
	}
	s.db.patience.free()
	return s.db.check(transact(tx, f))
}

func transact(tx *sql.Tx, f func(tx *sql.Tx) error) error {
	defer tx.Rollback() // after Commit there is nothing to roll back
	if err := f(tx); err != nil {
		return err
	}
	fault.Point("state.written")
	if err := tx.Commit(); err != nil {
		return err
	}
	fault.Point("state.committed")
	return nil
}

func (s *Store) now() time.Time { return s.Now().UTC() }

// NewID returns a fresh ULID.
func (s *Store) NewID() string {
	return ulid.MustNew(ulid.Timestamp(s.now()), rand.Reader).String()
}

// A Querier is a *Store or a transaction of it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// QueryContext makes a Store a Querier; see Collect.
func (s *Store) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, query, args...)
}

// Exec runs one statement, which is a transaction of its own.
func (s *Store) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.db.ExecContext(ctx, query, args...)
}

// Collect runs a query and scans every row. Errors of a transaction are left to
// whoever began it.
func Collect[T any](ctx context.Context, q Querier, scan func(row func(...any) error) (T, error), query string, args ...any) (out []T, err error) {
	s, ok := q.(*Store)
	if !ok {
		return scanAll(ctx, q, scan, query, args...)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A context that can end takes two goroutines, which cost as much as most reads.
	whole := context.WithoutCancel(ctx)
	err = s.db.patiently(ctx, func() error {
		out, err = scanAll(whole, s.db, scan, query, args...)
		return err
	})
	return out, err
}

func scanAll[T any](ctx context.Context, q Querier, scan func(row func(...any) error) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// One returns the only row of a query, or sql.ErrNoRows.
func One[T any](ctx context.Context, q Querier, scan func(row func(...any) error) (T, error), query string, args ...any) (T, error) {
	all, err := Collect(ctx, q, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return *new(T), err
	}
	return all[0], nil
}

// ScanText scans a row of one text.
func ScanText(row func(...any) error) (text string, err error) {
	err = row(&text)
	return text, err
}

// Affected is err, or none when the statement touched no row.
func Affected(r sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}

package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/dexetl/dexetl/extract/durable"
)

// CopyInto puts state.db and the audit trail into the folder dir, in the place of what it
// has of them: as they are at one instant, whatever other processes do.
func (s *Store) CopyInto(ctx context.Context, dir string) error {
	to := filepath.Join(dir, filepath.Base(s.db.path))
	fresh := to + ".new"
	err := os.Remove(fresh)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// Whoever holds the write lock has the file and its trail stand still.
	err = s.Write(ctx, func(*sql.Tx) error {
		trail, err := s.readFile(s.auditPath())
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("audit trail: %w", err)
		}
		if err := s.vacuumInto(ctx, fresh); err != nil {
			return err
		}
		return durable.Publish(filepath.Join(dir, AuditFile), trail)
	})
	if err == nil {
		err = syncFile(fresh)
	}
	if err == nil {
		err = os.Rename(fresh, to)
	}
	if isDamage(err) {
		return err
	}
	if err != nil {
		return fmt.Errorf("state %s: %w", dir, err)
	}
	return durable.SyncFolder(dir)
}

// vacuumInto writes what is committed into the new file at path, by a connection of its
// own: that of the store may hold the write lock.
func (s *Store) vacuumInto(ctx context.Context, path string) error {
	file, err := openDatabase(s.db.path, fileURL(s.db.path, url.Values{"mode": {"ro"}}))
	if err != nil {
		return err
	}
	return errors.Join(file.vacuumInto(ctx, path), file.Close())
}

// vacuumInto is that by d. The file is made first: where that fails, the system says why.
func (d database) vacuumInto(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	_, err = d.ExecContext(ctx, "vacuum into ?", path)
	if full, ok := errors.AsType[*DiskError](err); ok && free(filepath.Dir(d.path)) >= reserveBytes {
		there := database{path: path}
		return there.diskError(full.Err) // the disk of the copy is the one without room
	}
	return err
}

// syncFile makes a file durable, and nobody else's to read.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// OpenCopy opens a copy of the state in dir, which it makes in the empty folder into:
// for who looks and changes nothing. Not a byte of dir changes, whatever is done with
// the copy, also while other processes use the state. Of a state that is not there the
// copy is an empty one. Errors are those of Open.
func OpenCopy(ctx context.Context, dir, into string) (*Store, error) {
	path := filepath.Join(dir, "state.db")
	if err := copyState(ctx, path, into); err != nil {
		return nil, fmt.Errorf("state %s: %w", path, err)
	}
	if err := copyFile(filepath.Join(dir, AuditFile), filepath.Join(into, AuditFile)); err != nil {
		return nil, fmt.Errorf("audit trail: %w", err)
	}
	s, err := Open(ctx, into)
	var damage *DamageError
	if errors.As(err, &damage) {
		damage.Path = path
	}
	return s, err
}

// copyState copies the file of the state. Where SQLite's index of its log stands
// beside it, another process may be at it, and SQLite reads what has come to its end;
// else nobody is, and the files are what they are.
func copyState(ctx context.Context, path, into string) error {
	to := filepath.Join(into, filepath.Base(path))
	_, err := os.Stat(path + "-shm")
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(copyFile(path, to), copyFile(path+"-wal", to+"-wal"))
	}
	if err != nil {
		return err
	}
	file, err := openDatabase(path, fileURL(path, url.Values{"mode": {"ro"}, "readonly_shm": {"1"}}))
	if err != nil {
		return err
	}
	return errors.Join(file.vacuumInto(ctx, to), file.Close())
}

// copyFile copies a file, if it is there, for nobody else to read.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

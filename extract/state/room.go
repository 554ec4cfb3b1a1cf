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
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A DiskError says that the disk of the state is full. It is syscall.ENOSPC to
// errors.Is, whatever SQLite calls it.
type DiskError struct {
	Dir  string
	Free int64 // bytes left to us
	Need int64 // bytes
	Err  error
}

func (e *DiskError) Error() string {
	if e.Free >= e.Need { // such as a quota
		return fmt.Sprintf("state %s: there is no room: %v", e.Dir, e.Err)
	}
	return fmt.Sprintf("state %s: the disk is full: %d kB are free, %d kB are needed", e.Dir, e.Free>>10, e.Need>>10)
}

// Unwrap returns the system's error, or SQLite's.
func (e *DiskError) Unwrap() error { return e.Err }

// Is reports whether target is ENOSPC.
func (e *DiskError) Is(target error) bool { return target == syscall.ENOSPC }

// Once a token is spent its answer must find room, although the disk may fill
// up while the answer is on its way. So room is taken before, by a file that
// is given up for the answer when nothing else is left.
const (
	reserveFile = "reserve"
	// reserveBytes hold the answers and commits of many refreshes at once; one
	// takes some 50 kB of SQLite's log.
	reserveBytes = 1 << 20
)

// Reserve makes sure that the disk is not full and of the room, or *DiskError.
func (s *Store) Reserve() error {
	path := s.reservePath()
	if free(filepath.Dir(path)) < reserveBytes {
		return s.db.diskError(syscall.ENOSPC)
	}
	if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() && st.Size() == reserveBytes {
		return nil
	}
	err := writeReserve(path)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return s.db.diskError(errors.Join(err, os.Remove(path)))
	}
	return err
}

func (s *Store) reservePath() string { return filepath.Join(filepath.Dir(s.db.path), reserveFile) }

// writeReserve fills a new file with bytes that no file system leaves out. What else
// stands at its name, be it a link to another file, is not written to. Two processes at
// it at once end with one file.
func writeReserve(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process fills it
	}
	if err != nil {
		return err
	}
	noise := make([]byte, reserveBytes)
	rand.Read(noise) // never fails
	_, err = f.Write(noise)
	return errors.Join(err, f.Sync(), f.Close())
}

// Received is Write for what the token endpoint answered: if the disk is full
// the reserve makes room, unless another answer was faster.
func (s *Store) Received(ctx context.Context, f func(tx *sql.Tx) error) error {
	err := s.Write(ctx, f)
	if full := (*DiskError)(nil); !errors.As(err, &full) {
		return err
	}
	if e := os.Remove(s.reservePath()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		return errors.Join(err, e)
	}
	return s.Write(ctx, f)
}

// diskError is err, which came of a full disk, or one that is not to be written
// to: syscall.EROFS.
func (d database) diskError(err error) error {
	dir := filepath.Dir(d.path)
	if unwritable(dir) {
		return fmt.Errorf("state %s: %w", dir, syscall.EROFS)
	}
	return &DiskError{Dir: dir, Free: free(dir), Need: reserveBytes, Err: err}
}

// isFull reports whether e came of a disk that is full or not to be written to.
// Of some errors only the disk itself can tell.
func (d database) isFull(e *sqlite.Error) bool {
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return true
	case sqlite3.SQLITE_READONLY:
		return d.full != nil || unwritable(filepath.Dir(d.path))
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return free(filepath.Dir(d.path)) < 1<<16 || unwritable(filepath.Dir(d.path))
	}
	return false
}

// unwritten says why SQLite could not open or write a file, err, which it does not tell:
// the system does, when it is asked for the same. Where it lets us now, it was the disk.
func (d database) unwritten(err error) error {
	why := d.trial()
	switch errno, _ := errors.AsType[syscall.Errno](why); {
	case errno == syscall.ENOSPC, errno == syscall.EDQUOT:
		return d.diskError(fmt.Errorf("%w: %w", errno, err))
	case why != nil:
		return fmt.Errorf("state %s: %w: %w", d.path, why, err)
	}
	return fmt.Errorf("state %s: %w: %w", d.path, syscall.EIO, err)
}

// trial opens the files of the state, and makes one beside them, as SQLite does.
func (d database) trial() error {
	for _, path := range []string{d.path, d.path + "-wal", d.path + "-shm"} {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err == nil {
			err = f.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(d.path), ".trial-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 1<<15)) // what SQLite's index of its log takes at first
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// openFull opens a state to be read where SQLite cannot make the files it needs
// beside it, because the disk is full or not to be written to, as err says. That
// is safe when all changes are in the file itself; if they are not, or the file
// is not of this program's schema, the error is err.
func openFull(ctx context.Context, path string, err error) (database, error) {
	log, e := os.Stat(path + "-wal")
	if e == nil && log.Size() > 0 || e != nil && !errors.Is(e, fs.ErrNotExist) {
		return database{}, err
	}
	file, e := openDatabase(path, fileURL(path, url.Values{"mode": {"ro"}, "immutable": {"1"}}))
	if e != nil {
		return database{}, err
	}
	file.full = err
	if e, ok := errors.AsType[*DiskError](err); ok {
		file.full = e.Err
	}
	if !upToDate(ctx, file) {
		return database{}, errors.Join(err, file.Close())
	}
	return file, nil
}

// unwritable reports whether dir's file system is mounted to be read only.
func unwritable(dir string) bool {
	const readOnly = 1 // ST_RDONLY, MNT_RDONLY
	var st syscall.Statfs_t
	return syscall.Statfs(dir, &st) == nil && st.Flags&readOnly != 0
}

// denied names the file that this account may not write: the state's, or the
// folder, in which SQLite makes files of its own. It is nil if there is none.
func (d database) denied() error {
	const write = 2 // W_OK
	for _, path := range []string{filepath.Dir(d.path), d.path, d.path + "-wal", d.path + "-shm"} {
		if err := syscall.Access(path, write); errors.Is(err, fs.ErrPermission) {
			return &fs.PathError{Op: "write", Path: path, Err: err}
		}
	}
	return nil
}

// free is how many bytes of dir's file system are left to us.
func free(dir string) int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 1 << 62 // unknown: not known to be full
	}
	return int64(st.Bavail) * int64(st.Bsize)
}

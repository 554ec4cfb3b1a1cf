package lake

import (
	"errors"
	"fmt"
	"time"
)

// A DamageError names a file of the lake that is missing or is not what was
// written. Path is relative to the lake's folder.
type DamageError struct {
	Path string
	Err  error // what is wrong with it; fs.ErrNotExist if it is gone
}

func (e *DamageError) Error() string { return fmt.Sprintf("damaged file %s: %v", e.Path, e.Err) }

// Unwrap returns what is wrong with the file.
func (e *DamageError) Unwrap() error { return e.Err }

// A VersionError says that the lake was written by a newer program. Nothing
// may be written to it.
type VersionError struct {
	Path         string // of the manifest, relative to the lake's folder
	Table        string // whose version is newer; empty: it is the manifest's format
	Found, Knows int    // the version found, and the newest one that we know
	Program      string // that wrote it, if it says so
}

func (e *VersionError) Error() string {
	what := fmt.Sprintf("%s has format %d", e.Path, e.Found)
	if e.Table != "" {
		what = fmt.Sprintf("table %s has version %d", e.Table, e.Found)
	}
	return fmt.Sprintf("%s, written by dexetl %s; this program knows %d: use the newer program", what, e.Program, e.Knows)
}

// A LockedError says who holds the load lock.
type LockedError struct {
	Path   string // of the lock file
	Holder Holder // zero if it is not known
}

func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return "the load lock is held by another process"
	}
	return fmt.Sprintf("the load lock is held by process %d (%s) since %s",
		e.Holder.PID, e.Holder.Command, e.Holder.Since.Format(time.RFC3339))
}

// A ConflictError says that the snapshot to be committed already exists: the
// lock did not keep another process out. Nothing of the commit is visible.
type ConflictError struct{ Snapshot int64 }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("snapshot %d was committed by another process in spite of the load lock", e.Snapshot)
}

// ErrNotLocked says that a commit was tried without the load lock.
var ErrNotLocked = errors.New("the load lock is not held")

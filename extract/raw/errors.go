package raw

import (
	"fmt"
	"os"

	"github.com/dexetl/dexetl/extract/durable"
)

// wrap says of an error of a file or folder whose it is; nil stays nil.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("raw log: %w", err)
}

// placed is err, or a *DamageError where something of another kind stands at a path, or above
// it.
func placed(path string, folder bool, err error) error {
	if err == nil {
		return nil
	}
	if at, wrong := durable.Misplaced(os.Stat, path, folder); wrong != nil {
		return &DamageError{File: at, Err: wrong}
	}
	return err
}

// A DamageError says that the log has bytes that no append and no crash can
// have left there, or lacks bytes that it must have.
type DamageError struct {
	File   string // path of the segment
	Offset int64  // of the entry, or of what is missing
	Reason string
	Err    error // a *durable.KindError if no log can stand there; then there is no more to say
}

func (e *DamageError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("raw log damaged: %s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("raw log damaged: %s at byte %d: %s", e.File, e.Offset, e.Reason)
}

// Unwrap returns what stands there in place of the log.
func (e *DamageError) Unwrap() error { return e.Err }

// A VersionError says that a newer program wrote the log.
type VersionError struct {
	File    string
	Version uint32 // of the segment
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("raw log %s has format version %d, this program reads up to %d: use a newer dexetl", e.File, e.Version, newestVersion)
}

// A TooLongError says that a body has more bytes than the caller takes.
type TooLongError struct{ Limit int64 }

func (e *TooLongError) Error() string { return fmt.Sprintf("more than %d bytes decoded", e.Limit) }

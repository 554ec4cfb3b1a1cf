package study

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/dexetl/dexetl/extract/state"
)

// A RoomError says how much room is left in the lake of a run that found none.
type RoomError struct {
	Dir  string // the lake's
	Free uint64 // bytes
	Err  error
}

func (e *RoomError) Error() string {
	return fmt.Sprintf("%v: %d kB are free in %s", e.Err, e.Free>>10, e.Dir)
}

// Unwrap returns the error of what was written.
func (e *RoomError) Unwrap() error { return e.Err }

// withRoom is err with the room that is left, if that is what err is about and it does
// not say so itself.
func (s *Study) withRoom(err error) error {
	if _, said := errors.AsType[*state.DiskError](err); said || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(s.LakePath(), &disk) != nil {
		return err
	}
	return &RoomError{s.LakePath(), disk.Bavail * uint64(disk.Bsize), err}
}

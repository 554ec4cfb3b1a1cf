package state

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// holderUses are those uses of a store that need a holder.
func holderUses(s *Store) map[string]func() error {
	ctx := context.Background()
	return map[string]func() error{
		"Lease":    func() error { _, err := s.Lease("participant P001", "a").Take(ctx, time.Minute); return err },
		"TakeFree": func() error { _, err := s.Lease("refresh c", "a").TakeFree(ctx, time.Minute); return err },
		"StartRun": func() error { _, err := s.StartRun(ctx, "sync", "", "test"); return err },
	}
}

// On a file system without locks whoever needs one is told so, at once, and leaves
// nothing behind. A call that a signal interrupted is made again.
func TestHolderWithoutLocks(t *testing.T) {
	for _, errno := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS, syscall.EINVAL, syscall.EIO} {
		s, _ := newStore(t)
		interrupted := false
		s.holder.flock = func(int, int) error {
			if interrupted = !interrupted; interrupted {
				return syscall.EINTR
			}
			return errno
		}
		for name, use := range holderUses(s) {
			var path *fs.PathError
			if err := use(); !errors.As(err, &path) || path.Op != "flock" || path.Err != errno {
				t.Errorf("%s: %v, want a *fs.PathError of flock, %v", name, err, errno)
			}
		}
		left, err := os.ReadDir(s.holder.dir)
		if err != nil || len(left) > 0 {
			t.Errorf("%v: %d files are left (%v)", errno, len(left), err)
		}
	}
}

// Files that vanish as soon as they are made do not keep a process busy for ever.
func TestHolderAlwaysSwept(t *testing.T) {
	s, _ := newStore(t)
	s.holder.flock = func(fd, how int) error {
		names, err := filepath.Glob(filepath.Join(s.holder.dir, "*"))
		for _, name := range names {
			err = errors.Join(err, os.Remove(name))
		}
		return errors.Join(err, syscall.Flock(fd, how))
	}
	for name, use := range holderUses(s) {
		if err := use(); !errors.Is(err, errNoHolder) {
			t.Errorf("%s: %v, want %v", name, err, errNoHolder)
		}
	}
}

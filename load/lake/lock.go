package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
)

// A Holder says who holds the load lock. A zero PID or Since means this
// process and now.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"` // as typed, without secrets
	Since   time.Time `json:"since"`
}

// A Guard is the load lock, held.
type Guard struct{ lake *Lake }

const lockPoll = 100 * time.Millisecond

// Lock takes the load lock, for which it waits at most wait, and sweeps away
// what an interrupted commit left behind. Who holds the lock may commit; a
// process that dies loses it. It returns a *LockedError if somebody else holds
// the lock until the end, a *fs.PathError of flock where files cannot be locked.
func (l *Lake) Lock(ctx context.Context, wait time.Duration, who Holder) (*Guard, error) {
	return l.lock(ctx, wait, who, l.Sweep)
}

// LockToMend is Lock that first sets aside, in damaged, the files that stand in the place of
// folders, and the reverse, if all of it is movable. It returns what it was.
func (l *Lake) LockToMend(ctx context.Context, wait time.Duration, who Holder) (g *Guard, aside []*DamageError, err error) {
	if info, e := l.dir.Lstat(lockFile); e == nil && info.IsDir() { // so nobody holds it
		aside = []*DamageError{{lockFile, &durable.KindError{Folder: true}}}
		if err := l.moveAside(lockFile); err != nil {
			return nil, nil, fmt.Errorf("load lock: %w", err)
		}
	}
	g, err = l.lock(ctx, wait, who, func() error {
		more, err := l.clearWay()
		if aside = append(aside, more...); err != nil {
			return err
		}
		return l.Sweep()
	})
	return g, aside, err
}

// lock takes the load lock, and does something first.
func (l *Lake) lock(ctx context.Context, wait time.Duration, who Holder, first func() error) (*Guard, error) {
	if who.PID == 0 {
		who.PID = os.Getpid()
	}
	if who.Since.IsZero() {
		who.Since = l.now()
	}
	if st, err := l.dir.Lstat(lockFile); err == nil && st.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("load lock: %w", &fs.PathError{Op: "open", Path: filepath.Join(l.path, lockFile), Err: syscall.ELOOP})
	}
	f, err := l.dir.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600) // who can open it can hold it
	if err != nil {
		return nil, fmt.Errorf("load lock: %w", l.Placed(lockFile, false, err))
	}
	if err = l.waitFor(ctx, f, wait); err == nil {
		err = writeHolder(f, who)
	}
	if err == nil {
		err = first()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	l.held = f
	return &Guard{l}, nil
}

// Holder returns who holds the load lock, and whether anybody does, without taking
// it: nobody who wants it meanwhile has to wait.
func (l *Lake) Holder() (who Holder, held bool, err error) {
	who = l.holder()
	if who.PID == 0 {
		return who, false, nil // who has it has said so, or is about to
	}
	f, err := l.dir.Open(lockFile)
	if err != nil {
		return who, false, fmt.Errorf("load lock: %w", err)
	}
	defer f.Close()
	// A process that died said so as well. The lock that it lost is shared with others
	// who look.
	err = durable.Lock(f, syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return who, true, nil
	}
	if err != nil {
		return who, false, fmt.Errorf("load lock: %w", err)
	}
	return Holder{}, false, nil
}

// Unlock releases the lock. Only the first call does anything.
func (g *Guard) Unlock() error {
	f := g.lake.held
	if f == nil {
		return nil
	}
	g.lake.held = nil
	if err := errors.Join(f.Truncate(0), f.Close()); err != nil {
		return fmt.Errorf("load lock: %w", err)
	}
	return nil
}

// waitFor asks again and again rather than blocking in the kernel, so that it
// can be cancelled and say who is in the way.
func (l *Lake) waitFor(ctx context.Context, f *os.File, wait time.Duration) error {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		err := l.flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("load lock: %w", &fs.PathError{Op: "flock", Path: filepath.Join(l.path, lockFile), Err: err})
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("load lock: %w", ctx.Err())
		case <-deadline.C:
			return &LockedError{filepath.Join(l.path, lockFile), l.holder()}
		case <-time.After(lockPoll):
		}
	}
}

func writeHolder(f *os.File, who Holder) error {
	content, err := json.Marshal(who)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(append(content, '\n'), 0)
	}
	if err != nil {
		return fmt.Errorf("load lock: %w", err)
	}
	return nil
}

// holder reads who wrote the lock file last; the zero Holder if that is unclear.
func (l *Lake) holder() Holder {
	var who Holder
	content, err := l.dir.ReadFile(lockFile)
	if err != nil || json.Unmarshal(content, &who) != nil {
		return Holder{}
	}
	return who
}

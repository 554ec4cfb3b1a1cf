package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// holder shows other processes that this one lives: a file in the folder
// holders, locked as long as the store is open. The kernel takes the lock from
// a process however it ends, so that what kill -9 leaves leased is free at
// once instead of after its time.
type holder struct {
	dir   string
	flock func(fd, how int) error // syscall.Flock

	mu   sync.Mutex
	name string
	file *os.File
}

// id returns the holder's name and makes its file the first time. What dead
// processes left is swept then.
func (h *holder) id(newID func() string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != nil {
		return h.name, nil
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return "", err
	}
	if err := h.sweep(); err != nil {
		return "", err
	}
	for range holderTries {
		name, file, err := h.create(newID())
		if err != nil {
			return "", err
		}
		if file != nil {
			h.name, h.file = name, file
			return name, nil
		}
	}
	return "", &fs.PathError{Op: "flock", Path: h.dir, Err: errNoHolder}
}

// holderTries is how often a file is made that another process takes for a dead
// one's and sweeps between its birth and its lock.
const holderTries = 100

var errNoHolder = errors.New("every file made there is taken away at once")

// create makes the locked file called name; nil if it was swept before it was
// locked.
func (h *holder) create(name string) (string, *os.File, error) {
	path := filepath.Join(h.dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return "", nil, err
	}
	mine, err := h.lock(f)
	if err == nil && mine {
		mine, err = samePath(f, path)
	}
	if err != nil {
		return "", nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	if !mine {
		return "", nil, f.Close()
	}
	return name, f, nil
}

// lock locks f unless another process has it locked. Where files cannot be locked
// at all the error is a *fs.PathError of flock.
func (h *holder) lock(f *os.File) (bool, error) {
	for {
		switch err := h.flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, &fs.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// samePath reports whether path still is f.
func samePath(f *os.File, path string) (bool, error) {
	a, err := f.Stat()
	if err != nil {
		return false, err
	}
	b, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(a, b), err
}

func (h *holder) sweep() error {
	entries, err := os.ReadDir(h.dir)
	for _, e := range entries {
		if _, err := h.dead(e.Name()); err != nil {
			return err
		}
	}
	return err
}

// dead reports whether the process called name is gone, and removes what it
// left if so.
func (h *holder) dead(name string) (bool, error) {
	path := filepath.Join(h.dir, name)
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if errors.Is(err, syscall.ELOOP) { // no process makes a link
		return true, os.Remove(path)
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if free, err := h.lock(f); err != nil || !free {
		return false, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, nil
}

// close ends the holder, and with it its leases.
func (h *holder) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return nil
	}
	err := errors.Join(os.Remove(h.file.Name()), h.file.Close())
	h.file = nil
	return err
}

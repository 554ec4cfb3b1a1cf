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
	dir string

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
	// Another process may sweep the file between its birth and its lock.
	for {
		name := newID()
		path := filepath.Join(h.dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
		if err != nil {
			return "", err
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && samePath(f, path) {
			h.name, h.file = name, f
			return name, nil
		}
		f.Close()
	}
}

func samePath(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
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
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, nil
	case err != nil:
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

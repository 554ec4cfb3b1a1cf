package study

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
)

// NearestFolder is path, or the folder in which it would be made.
func NearestFolder(path string) (string, error) {
	for {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return "", fmt.Errorf("%s is no folder", path)
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
		path = filepath.Dir(path)
	}
}

// TryFileSystem does in dir what commits do, and leaves nothing behind, not even
// another time of the folder.
func TryFileSystem(dir string) (err error) {
	before, err := os.Stat(dir)
	if err != nil {
		return err
	}
	trial, err := os.MkdirTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(trial))
		_ = os.Chtimes(dir, time.Time{}, before.ModTime()) // who may write there need not own it
	}()
	first, second := filepath.Join(trial, "a"), filepath.Join(trial, "b")
	file, err := os.OpenFile(first, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString("trial"); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("fsync: %w", err)
	}
	if err := os.Link(first, second); err != nil {
		return fmt.Errorf("hard link: %w", err)
	}
	if err := os.Link(first, second); !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("a hard link over a file must be refused, got %v", err)
	}
	if err := os.Rename(first, filepath.Join(trial, "c")); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	if err := durable.SyncFolder(trial); err != nil {
		return fmt.Errorf("fsync of a folder: %w", err)
	}
	return tryLock(file, second)
}

// tryLock locks file and looks whether somebody else, who opens it by another
// name, is kept out.
func tryLock(file *os.File, name string) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	other, err := os.Open(name)
	if err != nil {
		return err
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("a lock does not keep others out (got %v)", err)
	}
	return nil
}

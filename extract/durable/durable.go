// Package durable is about what outlasts a power cut, and who may touch it: the names
// in a folder, files that appear whole, locks. Everybody may import it.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SyncFolder makes the names in a folder durable.
func SyncFolder(path string) error { return SyncFolderBy((*os.File).Sync, path) }

// SyncFolderBy is SyncFolder by a way to make it durable that tests can watch.
func SyncFolderBy(sync func(*os.File) error, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(sync(f), f.Close())
}

// Publish makes content appear at path whole or not at all, readable to this account
// alone, in the place of what was there. Its name is durable after SyncFolder.
func Publish(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Lock applies how to an open file's lock (see flock(2)), whatever signals come. Where
// files cannot be locked, or somebody else has the lock and how does not wait, the error
// is a *fs.PathError of flock.
func Lock(f *os.File, how int) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), how); err {
		case nil:
			return nil
		case syscall.EINTR:
		default:
			return &fs.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

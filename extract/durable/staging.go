//go:build linux || darwin

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A Staging is a folder in which something is written, beside where it is to be: it gets
// its name when it is whole. What a crash left of one, the next one for there empties.
type Staging struct {
	Dir string // what is written

	Place
	lock *os.File
}

// A Place is a path at which something whole is to appear.
type Place struct {
	Path      string // absolute
	Overwrite bool   // one of the same kind that is there already

	// Ours reports whether what stands at the path is of the same kind.
	Ours func(path string, info fs.FileInfo) (bool, error)
}

// A NoFolderError says that the folder in which something is to be is not there.
type NoFolderError struct{ Path string }

func (e *NoFolderError) Error() string {
	return fmt.Sprintf("%s: there is no folder %s", e.Path, filepath.Dir(e.Path))
}

// CheckFolder refuses a path in a folder that is not there: a *NoFolderError.
func (p Place) CheckFolder() error {
	info, err := os.Stat(filepath.Dir(p.Path))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir() {
		return &NoFolderError{p.Path}
	}
	return nil
}

// An ExistsError says that something stands at a place.
type ExistsError struct {
	Path string
	Ours bool   // it is of the kind that is to be there, which another one may replace
	File string // in it, and of another kind; empty: all of it is
}

func (e *ExistsError) Error() string {
	if e.Ours {
		return e.Path + " is there already"
	}
	if e.File != "" {
		return e.Path + " is there already, and " + e.File + " in it is something else"
	}
	return e.Path + " is there already, and is something else"
}

// An InUseError says that another process writes to the same place.
type InUseError struct{ Path string }

func (e *InUseError) Error() string { return "another process writes to " + e.Path }

// Stage begins what is to be at a place: an *ExistsError or *InUseError if it may not.
func (p Place) Stage() (*Staging, error) {
	if err := p.checkFree(); err != nil {
		return nil, err
	}
	s := &Staging{Place: p, Dir: beside(p.Path, "partial")}
	if err := os.Mkdir(s.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	var err error
	if s.lock, err = os.OpenFile(s.Dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0); err != nil {
		return nil, err
	}
	if err := Lock(s.lock, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = &InUseError{p.Path}
		}
		return nil, errors.Join(err, s.lock.Close())
	}
	if err := s.empty(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// beside is a hidden name in the same folder.
func beside(path, what string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+what)
}

// empty removes what is in the folder.
func (s *Staging) empty() error {
	left, err := os.ReadDir(s.Dir)
	for _, entry := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.Dir, entry.Name())))
	}
	return err
}

// checkFree refuses a path where something stands that is not to be replaced.
func (p Place) checkFree() error {
	info, err := os.Lstat(p.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours, err := p.Ours(p.Path, info)
	if err == nil && !(ours && p.Overwrite) {
		err = &ExistsError{Path: p.Path, Ours: ours}
	}
	return err
}

// Discard removes what was written.
func (s *Staging) Discard() error {
	return errors.Join(os.RemoveAll(s.Dir), s.lock.Close())
}

// Publish makes what was written durable and gives it its name: the folder, or only the
// file in it that is named.
func (s *Staging) Publish(file string) (err error) {
	if err := s.settle(); err != nil {
		return err
	}
	from := s.Dir
	if file != "" {
		from = filepath.Join(s.Dir, file)
		defer func() { err = errors.Join(err, os.RemoveAll(s.Dir)) }()
	}
	if err := s.rename(from); err != nil {
		return err
	}
	return errors.Join(SyncFolder(filepath.Dir(s.Path)), s.lock.Close())
}

// rename puts from in the place of what is at the path. A folder cannot be replaced in one
// step: a crash between the two leaves the former one under a hidden name.
func (s *Staging) rename(from string) error {
	if err := s.checkFree(); err != nil { // it may have come meanwhile
		return err
	}
	former := beside(s.Path, "former")
	if _, err := os.Lstat(s.Path); err == nil { // else it is all that is left
		if err := os.RemoveAll(former); err != nil {
			return err
		}
	}
	moved := os.Rename(s.Path, former)
	if moved != nil && !errors.Is(moved, fs.ErrNotExist) {
		return moved
	}
	if moved == nil && !s.Overwrite { // somebody put it there meanwhile
		return errors.Join(&ExistsError{Path: s.Path}, os.Rename(former, s.Path))
	}
	if err := os.Rename(from, s.Path); err != nil {
		if moved == nil {
			err = errors.Join(err, os.Rename(former, s.Path))
		}
		return err
	}
	return os.RemoveAll(former)
}

// settle makes all files durable, and readable to this account alone: who else may read
// it is for whoever hands it over.
func (s *Staging) settle() error {
	err := filepath.WalkDir(s.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return SyncFolder(path)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.Dir, err)
	}
	return nil
}

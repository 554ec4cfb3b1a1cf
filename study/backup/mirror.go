package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
)

// A mirror makes the folder to like the folder from, as far as both have one of its
// trees. A file is the same if size and time of its last change are.
type mirror struct {
	from, to string

	Files int   // copied
	Bytes int64 // of them
	Kept  int   // the same already
	Left  []string
}

// tree makes the tree called name alike, and leaves in place what is too much. What is
// taken away meanwhile is left out. Links and devices in it are named in Left.
func (m *mirror) tree(ctx context.Context, name string, skip func(path string) bool) error {
	root := filepath.Join(m.from, name)
	real, err := filepath.EvalSymlinks(root) // a tree may lie on another disk
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return filepath.WalkDir(real, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rel, err := filepath.Rel(real, path)
		rel = filepath.Join(name, rel)
		switch {
		case err != nil:
			return err
		case skip != nil && skip(filepath.ToSlash(rel)):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return m.folder(rel, entry)
		}
		return m.file(rel)
	})
}

// folder makes a folder with the mode that it has.
func (m *mirror) folder(rel string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return fs.SkipDir
	}
	if err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(m.to, rel), info.Mode().Perm()|0o700)
}

// file copies a file unless it is there already.
func (m *mirror) file(rel string) error {
	from, to := filepath.Join(m.from, rel), filepath.Join(m.to, rel)
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		m.Left = append(m.Left, from)
		return nil
	}
	if there, err := os.Lstat(to); err == nil && there.Size() == info.Size() && there.ModTime().Equal(info.ModTime()) {
		m.Kept++
		return nil
	}
	n, err := copyFile(from, to, info)
	if errors.Is(err, fs.ErrNotExist) {
		if _, e := os.Lstat(from); errors.Is(e, fs.ErrNotExist) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("copy of %s: %w", from, err)
	}
	m.Files, m.Bytes = m.Files+1, m.Bytes+n
	return nil
}

// copyFile makes to a copy of from, whole or not at all. A file that grows meanwhile has
// another time of its last change than the copy.
func copyFile(from, to string, info fs.FileInfo) (n int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return 0, err
	}
	out, err := os.CreateTemp(filepath.Dir(to), tempPattern)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(out, in)
	err = errors.Join(err, out.Chmod(info.Mode().Perm()), out.Sync(), out.Close())
	if err == nil {
		err = os.Chtimes(out.Name(), time.Time{}, info.ModTime())
	}
	if err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		return n, errors.Join(err, os.Remove(out.Name()))
	}
	return n, durable.SyncFolder(filepath.Dir(to))
}

// tempPattern names files that are being copied; prune takes leftovers out.
const tempPattern = ".copying-*"

// prune takes out of the tree called name what the tree that is copied does not have.
func (m *mirror) prune(name string, skip func(path string) bool) error {
	root := filepath.Join(m.to, name)
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(m.to, path)
		if err != nil {
			return err
		}
		_, err = os.Lstat(filepath.Join(m.from, rel))
		gone := errors.Is(err, fs.ErrNotExist) || skip != nil && skip(filepath.ToSlash(rel))
		if !gone {
			return err
		}
		if err := os.RemoveAll(path); err != nil || !entry.IsDir() {
			return err
		}
		return fs.SkipDir
	})
}

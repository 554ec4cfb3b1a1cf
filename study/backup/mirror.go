package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
)

// A mirror makes the folder to like the folder from, as far as both have one of its
// trees. A file is the same if size and time of its last change are, and where contents are
// compared, these.
type mirror struct {
	from, to string

	aside string                 // where copies wait for their turn; empty: they take their place at once
	fresh func(path string) bool // what takes its place at once where nothing stands yet; nil: nothing

	compare bool            // contents, too
	rotten  map[string]bool // copies that are not the same, though size and time are; a tree is gone through twice

	Files int   // copied
	Bytes int64 // of them
	Kept  int   // the same already
	Left  []string
	made  map[string]bool // files that were looked at before: they are counted once
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
	place := filepath.Join(m.to, rel)
	if _, err := os.Lstat(place); err != nil && m.aside != "" && !m.isFresh(rel) {
		place = filepath.Join(m.aside, rel)
	}
	return makeFolder(place, info.Mode().Perm()|0o700)
}

// makeFolder makes a folder, durably, with those above it.
func makeFolder(path string, mode fs.FileMode) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	above := filepath.Dir(path)
	if err := makeFolder(above, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(above)
}

// file copies a file unless it is there already.
func (m *mirror) file(rel string) error {
	from := filepath.Join(m.from, rel)
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
	to, there, err := m.place(rel, info)
	if there || err != nil {
		return err
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
	if !m.counted(rel) {
		m.Files++
	}
	m.Bytes += n
	return nil
}

// place is where a copy of a file goes, and whether it is there already. A copy that an
// attempt before left aside gives way if the file that stands is the right one.
func (m *mirror) place(rel string, info fs.FileInfo) (to string, there bool, err error) {
	to = filepath.Join(m.to, rel)
	held, none := os.Lstat(to)
	if there = none == nil && sameFile(held, info); there && m.compare && !m.made[rel] {
		equal, err := equalContent(filepath.Join(m.from, rel), to)
		if err != nil {
			return to, false, err
		}
		m.rotten[rel] = !equal
	}
	there = there && !m.rotten[rel]
	if m.aside == "" || none != nil && m.isFresh(rel) {
		return to, m.keep(rel, there), nil
	}
	waiting := filepath.Join(m.aside, rel)
	if there {
		m.keep(rel, true)
		if err := os.Remove(waiting); err != nil && !isNone(err) {
			return to, true, err
		}
		return to, true, nil
	}
	held, none = os.Lstat(waiting)
	return waiting, m.keep(rel, none == nil && sameFile(held, info)), nil
}

func (m *mirror) isFresh(rel string) bool { return m.fresh != nil && m.fresh(filepath.ToSlash(rel)) }

// keep counts a file that is there already.
func (m *mirror) keep(rel string, there bool) bool {
	if there && !m.counted(rel) {
		m.Kept++
	}
	return there
}

// counted reports whether a file was counted before: a tree is gone through twice.
func (m *mirror) counted(rel string) bool {
	before := m.made[rel]
	if m.made != nil {
		m.made[rel] = true
	}
	return before
}

func sameFile(a, b fs.FileInfo) bool {
	return a.Mode().IsRegular() && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// equalContent reports whether a copy has what the file has. One that cannot be read has not.
func equalContent(file, copy string) (bool, error) {
	a, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := os.Open(copy)
	if err != nil {
		return false, nil
	}
	defer b.Close()
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(a, x)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, err
		}
		if held, _ := io.ReadFull(b, y[:n]); held < n || !bytes.Equal(x[:n], y[:n]) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}

// isNone reports whether err is that there is no such file.
func isNone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// copyFile makes to a copy of from, whole or not at all. A file that grows meanwhile has
// another time of its last change than the copy.
func copyFile(from, to string, info fs.FileInfo) (n int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if err := makeFolder(filepath.Dir(to), 0o700); err != nil {
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

// tempPattern names files that are being copied; leftovers are taken out with what is gone.
const tempPattern = ".copying-*"

// gone are the files and folders, below to, of which from has none. What
// waits aside and is gone since it was copied does not get its turn.
func (m *mirror) gone(skip func(path string) bool) (paths []string, err error) {
	paths, err = m.without(m.to, skip)
	waiting, e := m.without(m.aside, skip)
	for _, rel := range waiting {
		e = errors.Join(e, os.RemoveAll(filepath.Join(m.aside, rel)))
	}
	return paths, errors.Join(err, e)
}

// without are the files and folders, below root, of which from has none.
func (m *mirror) without(root string, skip func(path string) bool) (paths []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if isNone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		_, err = os.Lstat(filepath.Join(m.from, rel))
		if !isNone(err) && !skip(filepath.ToSlash(rel)) {
			return err
		}
		paths = append(paths, rel)
		return nil
	})
	slices.Reverse(paths) // what is in a folder before it
	return paths, err
}

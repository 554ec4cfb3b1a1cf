package lake

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// sweepSlack allows for a file system whose clock steps back a little between
// a manifest and the files of the commit after it.
const sweepSlack = time.Hour

// Sweep removes what commits left that did not come to their end: staged files,
// half-made manifests and snapshots, scratch lakes, data files of no manifest. A removal of
// snapshots that were erased it ends; of a collection it brings back the manifests that
// are still there, and ends the rest.
// Lock does it; who holds the lock and goes on after a commit that failed calls it
// before the next one, with no scratch lake open.
func (l *Lake) Sweep() error {
	if err := l.abandon(); err != nil { // before what is hidden is swept away
		return fmt.Errorf("leftovers: %w", err)
	}
	if err := l.sweepTemporary(); err != nil {
		return fmt.Errorf("leftovers: %w", err)
	}
	if err := l.sweepRemoval(); err != nil {
		return fmt.Errorf("leftovers: %w", err)
	}
	orphans, err := l.orphans()
	if err != nil {
		return fmt.Errorf("leftovers: %w", err)
	}
	for _, name := range orphans {
		if err := l.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("leftovers: %w", err)
		}
	}
	return nil
}

// sweepTemporary removes what has a temporary name: everything in staging,
// and names with a leading dot elsewhere.
func (l *Lake) sweepTemporary() error {
	for dir, prefix := range map[string]string{stagingDir: "", manifestDir: ".", snapshotDir: ".", tagDir: "."} {
		entries, err := l.readDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), prefix) {
				continue
			}
			if err := l.dir.RemoveAll(path.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphans lists the data files that no manifest refers to. A manifest that
// cannot be read, or that is gone, may refer to any of them, so then there are none.
//
// A leftover is younger than the newest manifest: it belongs to a commit that
// came after it and never ended. That spares reading all older manifests, to
// which the other files that are not current belong.
func (l *Lake) orphans() ([]string, error) {
	all, err := l.IDs()
	if err != nil {
		return nil, err
	}
	newest := newestOf(all)
	if lost, err := l.hadAbove(newest.Number); lost || err != nil {
		return nil, err
	}
	since := time.Now() // of a first commit that never ended; what is older had a manifest
	if newest.Number > 0 {
		info, err := l.dir.Stat(newest.path())
		if err != nil {
			return nil, err
		}
		since = info.ModTime()
	}
	found, err := l.dataFiles(since.Add(-sweepSlack))
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Backward(all) {
		if len(found) == 0 {
			return nil, nil
		}
		m, err := l.ManifestOf(id)
		if err != nil {
			return nil, nil
		}
		for _, f := range m.Files {
			delete(found, f.Path)
		}
	}
	if err := l.spareAside(found); err != nil || len(found) == 0 {
		return nil, err
	}
	if awaited, err := l.awaitsManifest(); awaited || err != nil {
		return nil, err
	}
	var orphans []string
	for name := range found {
		orphans = append(orphans, name)
	}
	return orphans, nil
}

// awaitsManifest reports whether a manifest is lost that may come back from a backup, and
// want its files: that of a tag, or of a number for which nothing accounts. What cannot be
// read may know of one.
func (l *Lake) awaitsManifest() (bool, error) {
	gone, err := l.Gone()
	if err == nil {
		err = l.unlost(gone)
	}
	tags, untold := l.Tags()
	if err = errors.Join(err, untold); err != nil {
		return true, undamaged(err)
	}
	for _, t := range tags {
		if !l.has(t.ID()) && !l.KeepsNothing(t, gone) {
			return true, nil
		}
	}
	return false, nil
}

// dataFiles returns the data files modified at since or later.
func (l *Lake) dataFiles(since time.Time) (map[string]bool, error) {
	found := map[string]bool{}
	err := fs.WalkDir(l.dir.FS(), dataDir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && !info.ModTime().Before(since) {
			found[name] = true
		}
		return err
	})
	return found, err
}

// newestOf is the last of all manifests; the zero ID if there is none.
func newestOf(all []ID) (newest ID) {
	if len(all) > 0 {
		newest = all[len(all)-1]
	}
	return newest
}

// hadAbove reports whether there was a snapshot after number n, which is the newest
// manifest's: latest leads to one, a folder shows it, or its manifest was set aside.
func (l *Lake) hadAbove(n int64) (bool, error) {
	shown, err := l.Shown()
	if err != nil {
		return false, err
	}
	aside, err := l.asideFiles()
	above := func(m int64) bool { return m > n }
	return l.Latest() > n || slices.ContainsFunc(shown, above) || slices.ContainsFunc(aside, above), err
}

// spareAside takes those out of found that a manifest names which was set aside: it may
// be mended, and what can be read of it tells.
func (l *Lake) spareAside(found map[string]bool) error {
	aside, err := l.asideFiles()
	for _, n := range aside {
		if err != nil || len(found) == 0 {
			break
		}
		var content []byte
		content, err = l.readFile(asidePath(n))
		for name := range found {
			if bytes.Contains(content, []byte(name)) {
				delete(found, name)
			}
		}
	}
	return err
}

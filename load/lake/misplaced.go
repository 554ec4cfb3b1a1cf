package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dexetl/dexetl/extract/durable"
)

// readDir reads a folder. If something else stands there, it is a *DamageError.
func (l *Lake) readDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(l.dir.FS(), name)
	return entries, l.Placed(name, true, err)
}

// readFile reads a file. If a folder stands there, it is a *DamageError.
func (l *Lake) readFile(name string) ([]byte, error) {
	content, err := l.dir.ReadFile(name)
	return content, l.Placed(name, false, err)
}

// Placed is err, or a *DamageError where something of another kind stands at a path, or above
// it.
func (l *Lake) Placed(name string, folder bool, err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if at, wrong := durable.Misplaced(l.dir.Stat, name, folder); wrong != nil {
		return &DamageError{at, wrong}
	}
	return err
}

// placedAt is Placed for the folder of a lake itself.
func placedAt(root string, err error) error {
	if at, wrong := durable.Misplaced(os.Stat, root, true); wrong != nil {
		return &DamageError{at, wrong}
	}
	return err
}

// InTheWay is err, or what Misplaced finds first where the system says that a file or folder
// was not of the kind that was wanted.
func (l *Lake) InTheWay(err error) error {
	if !durable.IsOfKind(err) {
		return err
	}
	if found := l.Misplaced(); len(found) > 0 {
		return found[0]
	}
	return err
}

// Misplaced lists the files that stand where the lake has a folder, and the folders where it
// has a file. Of the raw log it knows nothing.
func (l *Lake) Misplaced() (found []*DamageError) {
	look := func(stat func(string) (fs.FileInfo, error), name string, folder bool) {
		at, wrong := durable.Misplaced(stat, name, folder)
		if wrong != nil && !slices.ContainsFunc(found, func(e *DamageError) bool { return e.Path == at }) {
			found = append(found, &DamageError{at, wrong})
		}
	}
	for _, name := range []string{dataDir, stagingDir, manifestDir, snapshotDir, tagDir, openedDir, damagedDir} {
		look(l.dir.Stat, name, true)
	}
	for _, name := range []string{GoneFile, lockFile} {
		look(l.dir.Stat, name, false)
	}
	look(l.dir.Lstat, "latest", false) // it is a link to a folder
	for _, name := range l.ownFiles() {
		look(l.dir.Stat, name, false)
	}
	files := l.allFiles()
	for _, name := range files {
		look(l.dir.Stat, name, false)
	}
	shown, _ := l.Shown() // what cannot be listed is found already
	for _, n := range shown {
		for _, name := range files {
			look(l.dir.Stat, path.Dir(linkPath(n, name)), true)
		}
	}
	return found
}

// linkPath is the name of a data file in the folder of snapshot n.
func linkPath(n int64, file string) string {
	return fmt.Sprintf("%s/%06d/%s", snapshotDir, n, strings.TrimPrefix(file, dataDir+"/"))
}

// ownFiles are the names of manifests, tags, marks and what was set aside.
func (l *Lake) ownFiles() (names []string) {
	for folder, is := range map[string]func(string) bool{
		manifestDir: func(name string) bool { _, ok := idOf(name); return ok },
		tagDir:      func(name string) bool { _, ok := TagNamed(path.Join(tagDir, name)); return ok },
		damagedDir: func(name string) bool {
			stem, _, _ := strings.Cut(name, ".")
			_, err := strconv.ParseInt(stem, 10, 64)
			return err == nil
		},
	} {
		entries, _ := l.readDir(folder)
		for _, e := range entries {
			if is(e.Name()) {
				names = append(names, path.Join(folder, e.Name()))
			}
		}
	}
	slices.Sort(names)
	return names
}

// allFiles are the paths of the data files of all manifests that can be read.
func (l *Lake) allFiles() (paths []string) {
	ids, _ := l.IDs()
	for _, id := range ids {
		m, _ := l.ManifestOf(id)
		for _, f := range m.Files {
			paths = append(paths, f.Path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Movable reports whether a repair sets aside what stands at the path: not where only a backup
// has what belongs there.
func (e *DamageError) Movable() bool { return e.Path != manifestDir && !filepath.IsAbs(e.Path) }

// clearWay sets aside what stands in the place of another kind, and returns what it was. What
// is not movable is its error, and everything stays.
func (l *Lake) clearWay() ([]*DamageError, error) {
	found := l.Misplaced()
	if i := slices.IndexFunc(found, func(e *DamageError) bool { return !e.Movable() }); i >= 0 {
		return nil, found[i]
	}
	for _, harm := range found {
		if err := l.moveAside(harm.Path); err != nil {
			return nil, fmt.Errorf("set aside: %w", err)
		}
	}
	return found, l.makeFolders()
}

// moveAside gives what has a name a free one in damaged, durably: the path with dashes. What
// stands in the place of damaged itself goes there, too.
func (l *Lake) moveAside(name string) error {
	from := name
	if name == damagedDir {
		from = l.free("." + damagedDir)
		if err := l.dir.Rename(name, from); err != nil {
			return err
		}
	}
	if err := l.makeDurably(damagedDir); err != nil {
		return err
	}
	if err := l.dir.Rename(from, l.free(path.Join(damagedDir, strings.ReplaceAll(name, "/", "-")))); err != nil {
		return err
	}
	return errors.Join(l.syncDir(damagedDir), l.syncDir(path.Dir(name)))
}

// free is a name, or the first one with a number behind it that nothing has.
func (l *Lake) free(name string) string {
	for n, tried := 2, name; ; n++ {
		if _, err := l.dir.Lstat(tried); err != nil {
			return tried
		}
		tried = fmt.Sprintf("%s-%d", name, n)
	}
}

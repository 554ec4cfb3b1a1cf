package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
)

// together copies the rest of the lake, whose lock is held, and what goes with it.
func (b *making) together(ctx context.Context, l *lake.Lake) error {
	b.At = b.study.Now().UTC()
	m, err := l.Current()
	if err != nil {
		return err // what the backup has may be what is missing here
	}
	b.Snapshot = m.Snapshot
	trees, err := besides(b.study.LakePath())
	if err != nil {
		return err
	}
	if err := b.lake(ctx, trees...); err != nil {
		return err
	}
	if err := b.lost(b.lakeCopy, isPassing); err != nil {
		return err
	}
	return b.rest(ctx)
}

// besides are the names in the lake's folder that are copied.
func besides(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := []string{dataTree, rawTree}
	for _, entry := range entries {
		switch name := entry.Name(); name {
		case dataTree, rawTree, manifestTree, "snapshots", "latest", "load.lock":
		default:
			if !strings.HasPrefix(name, ".") {
				names = append(names, name)
			}
		}
	}
	return append(names, manifestTree), err
}

// rest copies the state and the files of the study's folder.
func (b *making) rest(ctx context.Context) error {
	s := b.study
	sealed, own := b.mirror(s.StatePath(), stateTree), b.mirror(s.Dir, ".")
	if err := os.MkdirAll(sealed.aside, 0o700); err != nil {
		return err
	}
	if err := s.Store.CopyInto(ctx, sealed.aside); err != nil {
		return err
	}
	if err := sealed.tree(ctx, ".", isCopiedOtherwise); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || entry.Name() == markerFile {
			continue
		}
		if isTree(entry.Name()) {
			own.Left = append(own.Left, filepath.Join(s.Dir, entry.Name()))
		} else if err := own.file(entry.Name()); err != nil {
			return err
		}
	}
	if err := b.named(own); err != nil {
		return err
	}
	return errors.Join(b.sums(own), b.lostOwn(), b.lost(sealed, isOfProcesses))
}

// named copies the files of the study's folder that the configuration names; others are
// left out.
func (b *making) named(own *mirror) error {
	s := b.study
	for _, path := range s.Config.Files() {
		rel, err := filepath.Rel(s.Dir, s.Path(path))
		if err != nil || !filepath.IsLocal(rel) {
			own.Left = append(own.Left, s.Path(path))
		} else if err := own.file(rel); err != nil {
			return err
		}
	}
	return nil
}

// lost notes what of a tree the study has no more.
func (b *making) lost(m *mirror, skip func(path string) bool) error {
	gone, err := m.gone(skip)
	for _, rel := range gone {
		if _, spared := b.spared[filepath.ToSlash(rel)]; m == b.lakeCopy && spared {
			continue
		}
		b.gone = append(b.gone, filepath.Join(filepath.Base(m.to), rel))
	}
	return err
}

// lostOwn notes files beside the configuration that the study has no more.
func (b *making) lostOwn() error {
	entries, err := os.ReadDir(b.to)
	for _, entry := range entries {
		if entry.IsDir() || entry.Name() == markerFile {
			continue
		}
		if _, gone := os.Lstat(filepath.Join(b.study.Dir, entry.Name())); errors.Is(gone, fs.ErrNotExist) {
			b.gone = append(b.gone, entry.Name())
		}
	}
	return err
}

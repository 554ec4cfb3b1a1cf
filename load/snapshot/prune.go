package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
)

// prune removes the folders that another one superseded lake.FolderFor ago, but not the one
// before this, nor those of snapshots that are tagged or that somebody opened. Those that show other withdrawals, and so may show
// rows that are not the study's, it removes at once, whoever reads there.
func (p *publisher) prune(context.Context) error {
	fault.Point("snapshot.latest_renamed")
	older, err := p.olderFolders()
	if err != nil {
		return err
	}
	wanted, err := p.wanted()
	if err != nil {
		return err
	}
	young := false // from the first young one on they all are
	for i, n := range older {
		kept, err := p.sameWithdrawals(n)
		if err == nil && kept && !young && !wanted(n) {
			kept, young, err = p.age(older[i:])
		}
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		if err := p.root.RemoveAll(folderOf(n)); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports of what number the tags and the marks of who opened something are. While
// a tag cannot be read, it may be any.
func (p *publisher) wanted() (func(n int64) bool, error) {
	opened, err := p.lake.Opened()
	if err != nil {
		return nil, err
	}
	tags, err := p.lake.Tags()
	_, damaged := errors.AsType[*lake.DamageError](err)
	_, newer := errors.AsType[*lake.VersionError](err)
	if damaged || newer {
		return func(int64) bool { return true }, nil
	}
	return func(n int64) bool {
		id := lake.ID{Number: n}
		return slices.Contains(opened, id) || slices.ContainsFunc(tags, func(t lake.Tag) bool { return t.ID() == id })
	}, err
}

// age reads the manifest of the first of older folders, which must be there for it to stay:
// of a damaged one nobody can tell what it shows. It says whether it may, and whether all
// after it may: latest led to it until there was the next one. A manifest that cannot be
// read at the moment is an error.
func (p *publisher) age(older []int64) (kept, young bool, err error) {
	m, err := p.lake.Manifest(older[0])
	if _, damaged := errors.AsType[*lake.DamageError](err); damaged {
		return false, false, nil
	}
	if err != nil || len(older) == 1 {
		return true, false, err
	}
	next, err := p.lake.Manifest(older[1])
	if err == nil && next.CreatedAt.After(m.CreatedAt) {
		m = next
	}
	age := p.manifest.CreatedAt.Sub(m.CreatedAt)
	return age < lake.FolderFor, 0 <= age && age < lake.FolderFor, undamaged(err)
}

func undamaged(err error) error {
	if _, damaged := errors.AsType[*lake.DamageError](err); damaged {
		return nil
	}
	return err
}

// sameWithdrawals reports whether folder n shows the withdrawals that this one does:
// a file is named by its content.
func (p *publisher) sameWithdrawals(n int64) (bool, error) {
	entries, err := fs.ReadDir(p.root.FS(), path.Join(folderOf(n), "withdrawals"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	var has, want []string
	for _, e := range entries {
		if e.Name() != emptyName && !strings.HasPrefix(e.Name(), ".") {
			has = append(has, e.Name())
		}
	}
	for _, f := range p.manifest.TableFiles("withdrawals") {
		want = append(want, path.Base(f.Path))
	}
	return slices.Equal(has, want), nil // both are sorted
}

// olderFolders lists the snapshots before this one that have a folder, oldest
// first.
func (p *publisher) olderFolders() (older []int64, err error) {
	entries, err := fs.ReadDir(p.root.FS(), snapshotDir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		var n int64
		if _, err := fmt.Sscanf(e.Name(), "%d", &n); err != nil || path.Base(folderOf(n)) != e.Name() {
			continue
		}
		if n < p.manifest.Snapshot {
			older = append(older, n)
		}
	}
	slices.Sort(older)
	return older, nil
}

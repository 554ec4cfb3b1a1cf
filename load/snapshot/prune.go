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

// prune removes the folders that are older than lake.FolderFor, but not the one before
// this, nor those of tagged snapshots. Those that show other withdrawals, and so may show
// rows that are not the study's, it removes at once, whoever reads there.
func (p *publisher) prune(context.Context) error {
	fault.Point("snapshot.latest_renamed")
	older, err := p.olderFolders()
	if err != nil {
		return err
	}
	tagged, err := p.tagged()
	if err != nil {
		return err
	}
	young := false // from the first young one on they all are
	for i, n := range older {
		kept, err := p.sameWithdrawals(n)
		if err == nil && kept && !young && !tagged(n) {
			kept, young, err = p.age(n, i == len(older)-1)
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

// tagged reports of what number the tags are. While one cannot be read, it may be any.
func (p *publisher) tagged() (func(n int64) bool, error) {
	tags, err := p.lake.Tags()
	_, damaged := errors.AsType[*lake.DamageError](err)
	_, newer := errors.AsType[*lake.VersionError](err)
	if damaged || newer {
		return func(int64) bool { return true }, nil
	}
	return func(n int64) bool {
		return slices.ContainsFunc(tags, func(t lake.Tag) bool { return t.ID() == lake.ID{Number: n} })
	}, err
}

// age reads the manifest of an older folder, which says whether it may stay and whether
// all after it are young. One whose manifest is damaged may not: nobody can tell what it
// shows. A manifest that cannot be read at the moment is an error.
func (p *publisher) age(n int64, before bool) (kept, young bool, err error) {
	m, err := p.lake.Manifest(n)
	if _, damaged := errors.AsType[*lake.DamageError](err); damaged {
		return false, false, nil
	}
	age := p.manifest.CreatedAt.Sub(m.CreatedAt)
	return before || age < lake.FolderFor, 0 <= age && age < lake.FolderFor, err
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

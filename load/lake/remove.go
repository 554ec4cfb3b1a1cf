package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Freed is what the removal of manifests frees.
type Freed struct {
	Snapshots []ID  // in order
	Files     int   // data files that no manifest names any more
	Bytes     int64 // of them
}

// Freed says what would be freed if these manifests were collected.
func (l *Lake) Freed(remove []ID) (Freed, error) {
	gone, err := l.Gone()
	if err != nil {
		return Freed{}, err
	}
	if err := l.unlost(gone); err != nil {
		return Freed{}, err
	}
	named, err := l.namedFiles(remove)
	if err != nil {
		return Freed{}, err
	}
	idle, err := l.idleFiles(named)
	if err != nil {
		return Freed{}, err
	}
	freed := Freed{Snapshots: remove, Files: len(idle)}
	for _, f := range idle {
		freed.Bytes += f.bytes
	}
	return freed, nil
}

// Remove removes manifests, which it accounts for first (see Gone), with their folders
// and the data files that no other manifest names. Those that spare names, once the
// manifests are out of sight, stay: somebody has opened them meanwhile. It may be nil. The
// load lock must be held. Interrupted anywhere, it is ended by whoever takes the lock next,
// or taken back as far as that goes: see Sweep.
//
// While a manifest that stays cannot be read, nothing is removed: it may name any file.
// Nor is anything collected while one is lost.
func (l *Lake) Remove(remove []ID, why string, spare func() ([]ID, error)) (Freed, error) {
	if l.held == nil {
		return Freed{}, ErrNotLocked
	}
	gone, err := l.Gone()
	if err != nil {
		return Freed{}, err
	}
	if why == GoneCollected {
		if err := l.unlost(gone); err != nil {
			return Freed{}, err
		}
	}
	named, err := l.namedFiles(slices.Concat(remove, removingOf(gone)))
	if err != nil {
		return Freed{}, err
	}
	now := l.now()
	gone.Removing = append(gone.Removing, names(remove)...)
	for _, id := range remove {
		if id.Issue == 0 {
			gone.add(id.Number, why, now)
		}
	}
	if len(gone.Removing) > 0 {
		if err := l.putGone(gone); err != nil {
			return Freed{}, fmt.Errorf("removed snapshots: %w", err)
		}
		if err := l.at("gone.accounted"); err != nil {
			return Freed{}, err
		}
	}
	return l.endRemoval(gone, named, spare)
}

// endRemoval removes what is accounted for, and the data files that are not named.
func (l *Lake) endRemoval(gone Gone, named map[string]bool, spare func() ([]ID, error)) (freed Freed, err error) {
	removing := removingOf(gone)
	spared, err := l.hide(removing, spare)
	if len(spared) > 0 {
		removing = slices.DeleteFunc(removing, func(id ID) bool { return slices.Contains(spared, id) })
		err = errors.Join(err, l.takeBack(&gone, spared, removing, named))
	}
	if err != nil {
		return freed, fmt.Errorf("removed snapshots: %w", err)
	}
	if err := l.drop(removing); err != nil {
		return freed, fmt.Errorf("removed snapshots: %w", err)
	}
	if freed, err = l.removeIdle(named); err != nil {
		return freed, err
	}
	freed.Snapshots = removing
	if len(gone.Removing) > 0 {
		gone.Removing = nil
		if err := l.putGone(gone); err != nil {
			return freed, fmt.Errorf("removed snapshots: %w", err)
		}
	}
	return freed, l.at("gone.removed")
}

// takeBack accounts for the spared, whose files stay, as there.
func (l *Lake) takeBack(gone *Gone, spared, removing []ID, named map[string]bool) error {
	for _, id := range spared {
		gone.takeBack(id)
		m, err := l.ManifestOf(id)
		if err != nil {
			return err
		}
		for _, f := range m.Files {
			named[f.Path] = true
		}
	}
	if err := l.syncDir(manifestDir); err != nil { // before anybody counts on them
		return err
	}
	gone.Removing = names(removing)
	return l.putGone(*gone)
}

func names(ids []ID) (all []string) {
	for _, id := range ids {
		all = append(all, id.String())
	}
	return all
}

func removingOf(gone Gone) (ids []ID) {
	for _, name := range gone.Removing {
		if id, ok := ParseID(name); ok {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, ID.Compare)
	return slices.Compact(ids)
}

// hide takes manifests out of sight, and brings back those that are spared. Whoever opens
// a snapshot marks it before they look whether it is there: so either the mark is seen
// here, or they see that the snapshot is gone.
func (l *Lake) hide(removing []ID, spare func() ([]ID, error)) (spared []ID, err error) {
	for _, id := range removing {
		if err := l.dir.Rename(id.path(), id.hidden()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := l.at("gone.hidden"); err != nil {
			return nil, err
		}
	}
	if spare == nil {
		return nil, nil
	}
	wanted, err := spare()
	for _, id := range removing {
		if err == nil && !slices.Contains(wanted, id) {
			continue
		}
		// Whom nobody knows to be idle, everybody keeps.
		if e := l.dir.Rename(id.hidden(), id.path()); e == nil {
			spared = append(spared, id)
		} else if !errors.Is(e, fs.ErrNotExist) {
			return spared, errors.Join(err, e)
		}
	}
	return spared, err
}

// hidden is where the manifest lies for a moment before it is removed. Sweep removes it.
func (id ID) hidden() string { return path.Join(manifestDir, "."+path.Base(id.path())) }

// drop removes hidden manifests, and the folders of their snapshots.
func (l *Lake) drop(removing []ID) error {
	if len(removing) == 0 {
		return nil
	}
	for _, id := range removing {
		if err := l.dir.Remove(id.hidden()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := l.syncDir(manifestDir); err != nil {
		return err
	}
	if err := l.at("gone.manifests_removed"); err != nil {
		return err
	}
	for _, id := range removing {
		if id.Issue > 0 {
			continue
		}
		if err := l.dir.RemoveAll(fmt.Sprintf("%s/%06d", snapshotDir, id.Number)); err != nil {
			return err
		}
		if err := l.at("gone.folder_removed"); err != nil {
			return err
		}
	}
	return nil
}

// unlost is a *DamageError for a number up to the newest whose manifest is neither there,
// nor removed, nor set aside: it may come back, and want its files.
func (l *Lake) unlost(gone Gone) error {
	all, err := l.Manifests()
	next := int64(1)
	for _, n := range all {
		for ; next < n; next++ {
			if _, removed := gone.Of(next); !removed && !l.IsAside(next) {
				return &DamageError{manifestPath(next), fs.ErrNotExist}
			}
		}
		next = n + 1
	}
	return err
}

func undamaged(err error) error {
	if _, damaged := errors.AsType[*DamageError](err); damaged {
		return nil
	}
	return err
}

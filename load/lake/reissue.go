package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Reissue gives the commit, which was begun on top of m, the place of m: a manifest of
// the same number and parent, of the next issue, that names the file it replaces. Of
// what m says beside its files, held takes the place of Held. That it exists already is
// no error: an interrupted one is gone on with.
func (c *Commit) Reissue(ctx context.Context, held []HeldAnswer) (m Manifest, err error) {
	if c.lake.held == nil {
		return m, ErrNotLocked
	}
	if err := ctx.Err(); err != nil {
		return m, err
	}
	sum, m, err := c.lake.ManifestSHA256(c.parent.ID())
	if err != nil {
		return m, err
	}
	m.Reissue, m.Replaces, m.Held, m.Files = m.Reissue+1, sum, held, c.Files()
	if there, err := c.lake.ManifestOf(m.ID()); err == nil && there.Replaces == sum {
		return there, nil
	}
	if err := c.syncFolders(); err != nil {
		return m, fmt.Errorf("snapshot %s: %w", m.ID(), err)
	}
	if err := c.publish(m); err != nil {
		return m, fmt.Errorf("snapshot %s: %w", m.ID(), err)
	}
	return m, nil
}

// DropAllBut removes the manifests that are not among keep, durably, then their folders,
// and the data files that no manifest names any more. Interrupted anywhere, it can be
// repeated. The load lock must be held. It returns the manifests that went, and how many
// files.
func (l *Lake) DropAllBut(ctx context.Context, keep []ID, folder func(ID) string) (gone []ID, files int, err error) {
	if l.held == nil {
		return nil, 0, ErrNotLocked
	}
	all, err := l.IDs()
	if err != nil {
		return nil, 0, err
	}
	for _, id := range all {
		if slices.Contains(keep, id) {
			continue
		}
		if err := errors.Join(ctx.Err(), l.dropManifest(id)); err != nil {
			return gone, 0, err
		}
		gone = append(gone, id)
	}
	if err := l.syncDir(manifestDir); err != nil {
		return gone, 0, err
	}
	if err := l.at("erase.manifests_removed"); err != nil {
		return gone, 0, err
	}
	if err := l.dropFolders(keep, folder); err != nil {
		return gone, 0, err
	}
	if err := l.at("erase.folders_removed"); err != nil {
		return gone, 0, err
	}
	files, err = l.dropUnnamed(keep)
	if err == nil {
		err = l.at("erase.files_removed")
	}
	return gone, files, err
}

func (l *Lake) dropManifest(id ID) error {
	if err := l.dir.Remove(id.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("manifest %s: %w", id, err)
	}
	return l.at("erase.manifest_removed")
}

// dropFolders removes the folders of snapshots that are not kept.
func (l *Lake) dropFolders(keep []ID, folder func(ID) string) error {
	kept := map[string]bool{}
	for _, id := range keep {
		kept[path.Base(folder(id))] = true
	}
	entries, err := fs.ReadDir(l.dir.FS(), snapshotDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !kept[e.Name()] {
			err = errors.Join(err, l.dir.RemoveAll(path.Join(snapshotDir, e.Name())))
		}
	}
	return errors.Join(err, l.syncDir(snapshotDir))
}

// dropUnnamed removes the data files that no manifest names.
func (l *Lake) dropUnnamed(keep []ID) (files int, err error) {
	named := map[string]bool{}
	for _, id := range keep {
		m, err := l.ManifestOf(id)
		if err != nil {
			return 0, err
		}
		for _, f := range m.Files {
			named[f.Path] = true
		}
	}
	touched := map[string]bool{}
	err = fs.WalkDir(l.dir.FS(), dataDir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || named[name] {
			return err
		}
		files++
		touched[path.Dir(name)] = true
		return l.dir.Remove(name)
	})
	for dir := range touched {
		err = errors.Join(err, l.syncDir(dir))
	}
	return files, err
}

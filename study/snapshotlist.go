package study

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// A PastSnapshot is what the lake once held.
type PastSnapshot struct {
	lake.ID
	Tags     []string
	Damaged  bool // its manifest: nothing else is known
	Manifest lake.Manifest
	NewFiles int    // that its parent does not have; -1: nobody knows
	Bytes    int64  // of all its files
	Folder   string // latest, published, or none: whether it can be opened without dexetl
}

// Snapshots are the newest snapshots, newest first, and all that are tagged; all of them
// for a limit of 0.
func Snapshots(l *lake.Lake, limit int) (list []PastSnapshot, err error) {
	all, err := l.IDs()
	if err != nil {
		return nil, err
	}
	tags, err := tagsByID(l)
	slices.Reverse(all)
	for i, id := range all {
		if limit > 0 && i >= limit && len(tags[id]) == 0 {
			continue
		}
		one := PastSnapshot{ID: id, Tags: tags[id]}
		one.Manifest, err = l.ManifestOf(id)
		if one.Damaged = is[*lake.DamageError](err); !one.Damaged && err != nil {
			return list, err
		}
		if !one.Damaged {
			one.NewFiles, one.Bytes = sizes(l, one.Manifest)
			one.Folder = "none"
			if id.Issue == 0 {
				one.Folder = folderOf(l, id.Number)
			}
		}
		list, err = append(list, one), nil
	}
	return list, err
}

// sizes returns how many of the snapshot's files its parent does not have, -1
// if nobody knows, and the bytes of all of them.
func sizes(l *lake.Lake, m lake.Manifest) (fresh int, bytes int64) {
	var parent lake.Manifest
	var err error
	if m.Parent > 0 {
		parent, err = l.Manifest(m.Parent)
	}
	old := make(map[string]bool)
	for _, f := range parent.Files {
		old[f.Path] = true
	}
	for _, f := range m.Files {
		bytes += f.Bytes
		if !old[f.Path] {
			fresh++
		}
	}
	if err != nil {
		return -1, bytes
	}
	return fresh, bytes
}

func folderOf(l *lake.Lake, n int64) string {
	folder, err := snapshot.Folder(l, n)
	if err != nil {
		return "none"
	}
	if _, err := os.Stat(folder); err != nil {
		return "none"
	}
	if link, err := os.Readlink(filepath.Join(l.Path(), "latest")); err == nil && filepath.Base(link) == filepath.Base(folder) {
		return "latest"
	}
	return "published"
}

package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
)

// asideDir has the files of a backup that is on its way, under the names that they will
// have in the backup. Until the turn nobody looks at them.
const asideDir = ".next"

// turnFile, in asideDir, says that all files are there. From then on the backup is the new
// one: what is left to do is to put them into their places.
const turnFile = "turn.json"

// A turning is what stands in turnFile.
type turning struct {
	Marker Marker   `json:"marker"`
	Gone   []string `json:"gone"` // what the study has no more, from the backup's folder
}

// turn makes of what waits aside the backup. It is there whole, or as it was before.
func (b *making) turn() error {
	text, err := lake.Sealed(turning{b.Marker, b.gone})
	if err != nil {
		return err
	}
	aside := filepath.Join(b.to, asideDir)
	if err := durable.Publish(filepath.Join(aside, turnFile), text); err != nil {
		return err
	}
	if err := durable.SyncFolder(aside); err != nil {
		return err
	}
	fault.Point("backup.turned")
	return endTurn(b.to)
}

// whole is the marker of the backup in dir, whose turn, if it was broken off, is ended
// first.
func whole(dir string) (Marker, error) {
	m, err := readMarker(dir)
	if err != nil {
		return m, err
	}
	_, turns, err := turnIn(dir)
	if err != nil || !turns {
		return m, err
	}
	if err := endTurn(dir); err != nil {
		return m, err
	}
	return readMarker(dir)
}

// turnIn is the turn of the backup in dir, if files wait there for their places. A turn that
// cannot be read is none: then the marker says whether the backup is as it was before, or
// nothing whole.
func turnIn(dir string) (t turning, turns bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, asideDir, turnFile))
	if isNone(err) || errors.Is(err, syscall.EISDIR) {
		return t, false, nil
	}
	if err != nil {
		return t, false, err
	}
	if json.Unmarshal(text, &t) != nil || lake.IsSealed(text) && lake.Unbroken(text) != nil {
		return turning{}, false, nil
	}
	return t, true, nil
}

// endTurn puts what waits into its place, if anything does, and takes out what is gone. Broken
// off, it is done again.
func endTurn(dir string) error {
	aside := filepath.Join(dir, asideDir)
	t, turns, err := turnIn(dir)
	if err != nil || !turns {
		return err
	}
	if err := t.Marker.unfinished().write(dir); err != nil { // an older program knows nothing of turns
		return err
	}
	fault.Point("backup.unmarked")
	if err := remove(dir, t.Gone); err != nil {
		return err
	}
	fault.Point("backup.removed")
	if err := places(aside, dir); err != nil {
		return err
	}
	if err := t.Marker.write(dir); err != nil {
		return err
	}
	fault.Point("backup.marked")
	// The turn first: what is left of the folder then says nothing.
	return errors.Join(os.Remove(filepath.Join(aside, turnFile)), durable.SyncFolder(aside), os.RemoveAll(aside))
}

// remove takes files out, and folders that have nothing in them.
func remove(dir string, names []string) error {
	for _, rel := range names {
		if !filepath.IsLocal(rel) {
			return fmt.Errorf("%s names %s", turnFile, rel)
		}
		path := filepath.Join(dir, rel)
		err := os.Remove(path)
		if errors.Is(err, syscall.ENOTEMPTY) || isNone(err) {
			continue
		}
		if err = errors.Join(err, durable.SyncFolder(filepath.Dir(path))); err != nil {
			return err
		}
	}
	return nil
}

// places moves all files below aside to where dir has them.
func places(aside, dir string) error {
	return filepath.WalkDir(aside, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(aside, path)
		if err != nil || rel == turnFile || rel == "." {
			return err
		}
		to := filepath.Join(dir, rel)
		if entry.IsDir() {
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if err := giveWay(to, true); err != nil {
				return err
			}
			return makeFolder(to, info.Mode().Perm())
		}
		if isTree(rel) { // beside the configuration, and no file of the backup
			return nil
		}
		if err := giveWay(to, false); err != nil {
			return err
		}
		if err := os.Rename(path, to); err != nil {
			return err
		}
		fault.Point("backup.placed")
		return durable.SyncFolder(filepath.Dir(to))
	})
}

// giveWay takes out a file where a folder comes, or a folder where a file does.
func giveWay(path string, folder bool) error {
	look := os.Lstat
	if folder { // one may lie on another disk
		look = os.Stat
	}
	held, err := look(path)
	if isNone(err) || err == nil && held.IsDir() == folder {
		return nil
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

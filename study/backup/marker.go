package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study/config"
)

// markerFile says that a folder is a backup.
const markerFile = "backup.json"

// A Marker says what a backup has.
type Marker struct {
	Format   int       `json:"format"`
	Study    string    `json:"study"` // public half of the sealing key; empty: it has none yet
	Begun    time.Time `json:"begun_at"`
	At       time.Time `json:"as_of,omitzero"`       // lake and state are those of this instant; zero: an older program made it
	Finished time.Time `json:"finished_at,omitzero"` // zero: it was broken off
	Snapshot int64     `json:"snapshot"`             // newest; 0: none
	Program  string    `json:"program"`
	State    string    `json:"state"` // where the configuration of the study has them
	Lake     string    `json:"lake"`

	// Beside are the SHA-256 of the files from the study's own folder, by their paths; nil:
	// an older program made it.
	Beside map[string]string `json:"beside,omitempty"`
}

// format is that of the file as it is written. One of format 1 does not end with a checksum
// of itself.
const format = 2

// Names of the trees within a backup, wherever the configuration has them.
const (
	stateTree = "state"
	lakeTree  = "lake"
)

// readMarker is a *NotABackupError for a folder without one.
func readMarker(dir string) (m Marker, err error) {
	text, err := os.ReadFile(filepath.Join(dir, markerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, &NotABackupError{Dir: dir, Lost: looksLikeOne(dir)}
	}
	if info, e := os.Stat(filepath.Join(dir, markerFile)); e == nil && info.IsDir() {
		return m, &NotABackupError{Dir: dir, Damaged: true}
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Format < 1 {
		return Marker{}, &NotABackupError{Dir: dir, Damaged: true}
	}
	if m.Format > format {
		return m, &NewerError{Dir: dir, Format: m.Format, Program: m.Program}
	}
	if (m.Format > 1 || lake.IsSealed(text)) && lake.Unbroken(text) != nil {
		return Marker{}, &NotABackupError{Dir: dir, Damaged: true}
	}
	return m, nil
}

// looksLikeOne reports whether a folder has what a backup has and a study that was loaded has
// not: a lake that nobody has locked, and no snapshot's folder in it.
func looksLikeOne(dir string) bool {
	for _, name := range []string{config.File, stateTree + "/state.db", lakeTree + "/" + manifestTree} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	for _, name := range []string{"load.lock", "snapshots", "latest"} {
		if _, err := os.Lstat(filepath.Join(dir, lakeTree, name)); err == nil {
			return false
		}
	}
	return true
}

// AsOf is the instant of which all is in the backup.
func (m Marker) AsOf() time.Time {
	if m.At.IsZero() {
		return m.Begun
	}
	return m.At
}

// unfinished is m of a backup that has not come to its end.
func (m Marker) unfinished() Marker {
	m.Finished = time.Time{}
	return m
}

func (m Marker) write(dir string) error {
	text, err := lake.Sealed(m)
	if err != nil {
		return err
	}
	return errors.Join(durable.Publish(filepath.Join(dir, markerFile), text), durable.SyncFolder(dir))
}

// A NotABackupError says that a folder is none.
type NotABackupError struct {
	Dir     string
	Damaged bool // its backup.json
	Lost    bool // it is gone, by what else the folder has
	Full    bool // it has files, and is to become one
}

func (e *NotABackupError) Error() string {
	switch {
	case e.Damaged:
		return fmt.Sprintf("%s in %s is damaged: nobody can tell what the folder has", markerFile, e.Dir)
	case e.Lost:
		return fmt.Sprintf("%s in %s is gone: it has all else of a backup; nothing was written", markerFile, e.Dir)
	case e.Full:
		return fmt.Sprintf("%s has files and is no backup: it has no %s; nothing was written", e.Dir, markerFile)
	}
	return fmt.Sprintf("%s is no backup: it has no %s", e.Dir, markerFile)
}

// Unmarked reports whether err says that a folder is a backup of which nobody can tell more,
// because its backup.json is damaged or gone.
func Unmarked(err error) bool {
	none, ok := errors.AsType[*NotABackupError](err)
	return ok && (none.Damaged || none.Lost)
}

// A NewerError says that a newer program made the backup.
type NewerError struct {
	Dir     string
	Format  int
	Program string
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s is a backup of format %d, made by dexetl %s; this program knows %d", e.Dir, e.Format, e.Program, format)
}

// An UnfinishedError says that a backup was broken off.
type UnfinishedError struct {
	Dir   string
	Begun time.Time
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("the backup in %s was broken off: it was begun at %s and has no end", e.Dir, e.Begun.Format(time.RFC3339))
}

// An OtherStudyError says that a folder has the backup of another study.
type OtherStudyError struct{ Dir string }

func (e *OtherStudyError) Error() string { return e.Dir + " has the backup of another study" }

// A PlaceError says that nothing can be put into a folder.
type PlaceError struct {
	Dir    string
	Inside string // what the folder lies in; "": it has files
}

func (e *PlaceError) Error() string {
	if e.Inside == "" {
		return e.Dir + " has files: a study is restored into a new folder"
	}
	return fmt.Sprintf("%s lies in %s, which is copied: what takes the study takes the backup, too", e.Dir, e.Inside)
}

// An InPlaceError says that a folder is a backup, in which nothing is changed.
type InPlaceError struct{ Dir string }

func (e *InPlaceError) Error() string {
	return e.Dir + " is a backup, and no study: nothing is read or changed there but by verify and restore"
}

// Is reports whether a folder is a backup.
func Is(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, markerFile))
	return err == nil
}

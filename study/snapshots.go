package study

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// Snapshot opens the lake to read on somebody's behalf, and finds the manifest called
// which: a number, a tag, or latest, which "" is too. A lake without a snapshot is an
// *EmptyLakeError. The snapshot stays for lake.OpenFor.
func (s *Study) Snapshot(which string) (*lake.Lake, lake.Manifest, error) {
	return s.openLake(func(l *lake.Lake) (lake.Manifest, error) { return OpenSnapshot(l, orLatest(which)) })
}

func orLatest(which string) string { return cmp.Or(which, "latest") }

// Newest is Snapshot("") for what is read at once: nothing keeps the snapshot but its age.
func (s *Study) Newest() (*lake.Lake, lake.Manifest, error) { return s.openLake((*lake.Lake).Current) }

func (s *Study) openLake(find func(*lake.Lake) (lake.Manifest, error)) (*lake.Lake, lake.Manifest, error) {
	if !s.hasLake() {
		return nil, lake.Manifest{}, cmp.Or(s.lostManifests(), s.emptyLake())
	}
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return nil, lake.Manifest{}, err
	}
	l.Now = s.Now
	m, err := find(l)
	if err == nil && m.Snapshot == 0 {
		err = s.emptyLake()
	}
	if err != nil {
		return nil, m, errors.Join(err, l.Close())
	}
	return l, m, nil
}

// hasLake reports whether anything may have been loaded yet.
func (s *Study) hasLake() bool {
	_, err := os.Stat(filepath.Join(s.LakePath(), "manifests"))
	return !errors.Is(err, fs.ErrNotExist)
}

// lostManifests is the error of a lake without the folder of manifests that has what only
// a snapshot leaves: data files, folders, latest.
func (s *Study) lostManifests() error {
	for _, trace := range []string{"data/[^.]*", "snapshots/[^.]*", "latest"} {
		if found, _ := fs.Glob(os.DirFS(s.LakePath()), trace); len(found) > 0 {
			return &lake.DamageError{Path: "manifests", Err: fs.ErrNotExist}
		}
	}
	return nil
}

// An EmptyLakeError says that no snapshot was committed yet.
type EmptyLakeError struct{ Path string }

func (e *EmptyLakeError) Error() string { return e.Path + " is empty: nothing was loaded yet" }

func (s *Study) emptyLake() error { return &EmptyLakeError{s.LakePath()} }

// OpenSnapshot is NamedSnapshot for whoever goes on reading: see lake.MarkOpened.
func OpenSnapshot(l *lake.Lake, name string) (m lake.Manifest, err error) {
	for range 3 { // what was the newest may be two commits old by now, and gone
		if m, err = NamedSnapshot(l, name); err != nil || m.Snapshot == 0 {
			return m, err
		}
		if err = l.MarkOpened(m.ID()); err == nil {
			return m, nil
		}
	}
	return m, noSnapshot(l, m.ID())
}

// NamedSnapshot finds a manifest by its number (12, or 12e1 for what was issued again in
// its place), by a tag, or the newest one as latest. Else the error is a
// *NoSnapshotError. A tag whose manifest is not the one that was tagged is damage.
func NamedSnapshot(l *lake.Lake, name string) (lake.Manifest, error) {
	if name == "latest" {
		return l.Current()
	}
	if id, ok := lake.ParseID(name); ok {
		m, err := l.ManifestOf(id)
		if errors.Is(err, fs.ErrNotExist) {
			return m, noSnapshot(l, id)
		}
		return m, err
	}
	if !lake.IsTagName(name) {
		return lake.Manifest{}, &NoSnapshotError{Name: name}
	}
	t, err := l.Tag(name)
	if is[*lake.NoTagError](err) {
		return lake.Manifest{}, &NoSnapshotError{Name: name}
	}
	if err != nil {
		return lake.Manifest{}, err
	}
	return l.Tagged(t)
}

// A NoSnapshotError says that a name is none of a snapshot's, or that there is no
// snapshot with a number.
type NoSnapshotError struct {
	Name string
	ID   lake.ID // zero: Name is no number
	Gone lake.GoneRange
}

// noSnapshot says why there is none with a number, if that is known.
func noSnapshot(l *lake.Lake, id lake.ID) error {
	gone, _ := l.Gone()
	was, _ := gone.Of(id.Number)
	return &NoSnapshotError{ID: id, Gone: was}
}

func (e *NoSnapshotError) Error() string {
	if e.ID.Number == 0 {
		return fmt.Sprintf("snapshot %q: a number such as 12, a tag, or latest", e.Name)
	}
	text := fmt.Sprintf("there is no snapshot %s", e.ID)
	switch e.Gone.Why {
	case lake.GoneCollected:
		text += ": gc removed it"
	case lake.GoneErased:
		text += ": it had rows that had to go for good"
	case lake.GoneUnknown:
		text += ": it is gone, and what said why was damaged"
	}
	return text
}

// Outdated are the tables of the snapshot called which ("": the newest) that an older
// program made; none where there is no snapshot to look at.
func (s *Study) Outdated(which string) []string {
	l, m, err := s.Snapshot(which)
	if err != nil {
		return nil
	}
	defer l.Close()
	return m.Outdated()
}

// NotComputed is the name of the snapshot called which ("": the newest) if it lacks
// the tables that depend on the order of readings: an older program published it, or its
// folder is gone. Else it is "", also where there are no readings.
func (s *Study) NotComputed(which string) string {
	l, m, err := s.Snapshot(which)
	if err != nil {
		return ""
	}
	defer l.Close()
	if snapshot.HasComputed(l, m) || len(m.TableFiles("glucose")) == 0 {
		return ""
	}
	return m.ID().String()
}

// Damaged are the data files of the newest snapshot that are damaged, as far as their
// sizes and its manifest tell.
func (s *Study) Damaged() ([]*lake.DamageError, error) {
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Damaged(m.Files)
}

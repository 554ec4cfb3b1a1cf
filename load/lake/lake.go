package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/transform"
)

// Names inside a lake's folder.
const (
	dataDir     = "data"
	stagingDir  = "data/.staging"
	manifestDir = "manifests"
	snapshotDir = "snapshots" // written by package snapshot
	lockFile    = "load.lock"
)

// Modes before the process's umask, which decides who reads the lake. What no snapshot
// shows is for the owner alone.
const (
	dirMode       fs.FileMode = 0o750
	privateMode   fs.FileMode = 0o700
	publishedMode fs.FileMode = 0o444
)

// A Lake is an open lake folder. Its fields are set before it is first used.
type Lake struct {
	// Now tells the time; nil means time.Now. It stamps manifests and locks.
	Now func() time.Time

	// GroupBytes is how many bytes of rows a Writer gathers before it closes a
	// row group that has fewer rows than it may; 0 means 64 MB. Whoever
	// keeps n files open at once needs n times as much.
	GroupBytes int64

	dir  *os.Root
	path string
	held *os.File // the lock, while this Lake holds it

	scratch bool // see Scratch

	staged atomic.Int64 // files ever staged
	sound  sync.Map     // paths of files that were written here, or whose content was right

	// step, if set, is told of every point that a commit comes to. Tests make
	// it fail to stop there.
	step func(point string) error

	// sync makes a file or folder durable. Tests watch it.
	sync func(*os.File) error

	flock func(fd, how int) error // syscall.Flock; tests have file systems without it
}

// RowGroupRows is how many rows a row group has, unless its bytes end it sooner. Rows
// with lists are large, and whoever asks for one participant decodes all lists of the row
// groups with rows of theirs: these have fewer, a month of some eight people. Still fewer
// cost more for what is said of each than they spare.
const (
	RowGroupRows  = 122_880
	listGroupRows = 512
)

// groupRows is how many rows a row group of t has.
func groupRows(t transform.Table) int64 {
	for _, c := range t.Columns {
		if c.Type.ID() == arrow.LIST {
			return listGroupRows
		}
	}
	return RowGroupRows
}

// Open opens the lake in the folder root and creates what is missing of it. If a file stands
// in the place of a folder, Lock tells.
func Open(root string) (*Lake, error) {
	if err := os.MkdirAll(root, dirMode); err != nil {
		return nil, fmt.Errorf("lake folder: %w", placedAt(root, err))
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("lake folder: %w", err)
	}
	l := &Lake{dir: dir, path: root, sync: (*os.File).Sync, flock: syscall.Flock}
	if err := undamaged(l.makeFolders()); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return l, nil
}

// makeFolders makes the folders without which nothing can be committed. It is a *DamageError
// if a file stands in the place of one.
func (l *Lake) makeFolders() error {
	for _, folder := range []struct {
		name string
		mode fs.FileMode
	}{{dataDir, dirMode}, {stagingDir, privateMode}, {manifestDir, dirMode}} {
		if err := l.Placed(folder.name, true, l.dir.MkdirAll(folder.name, folder.mode)); err != nil {
			return fmt.Errorf("lake folder: %w", err)
		}
	}
	return nil
}

// OpenToRead opens the lake in the folder root for who writes nothing: it creates
// nothing. A lake that is not there is fs.ErrNotExist.
func OpenToRead(root string) (*Lake, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("lake folder: %w", placedAt(root, err))
	}
	return &Lake{dir: dir, path: root, sync: (*os.File).Sync}, nil
}

// Close releases the folder. It does not release the lock.
func (l *Lake) Close() error { return l.dir.Close() }

// Path returns the lake's folder as it was given to Open.
func (l *Lake) Path() string { return l.path }

// Root returns the lake's folder, through which all writes go. It belongs to l.
func (l *Lake) Root() *os.Root { return l.dir }

func (l *Lake) now() time.Time {
	if l.Now == nil {
		return time.Now().UTC()
	}
	return l.Now().UTC()
}

// at marks a point at which a commit may be interrupted.
func (l *Lake) at(point string) error {
	fault.Point(point)
	if l.step == nil {
		return nil
	}
	return l.step(point)
}

// create creates the published file name, which must not exist, lets write
// fill it and makes its content durable, though not yet its name.
func (l *Lake) create(name string, write func(*os.File) error) error {
	f, err := l.dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, publishedMode)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = l.sync(f)
	}
	return errors.Join(err, f.Close())
}

// makeFolder makes the folder of a data file.
func (l *Lake) makeFolder(f File) error {
	mode := dirMode
	if slices.ContainsFunc(transform.Tables(), func(t transform.Table) bool { return t.Hidden && t.Name == f.Table }) {
		mode = privateMode
	}
	return l.dir.MkdirAll(path.Dir(f.Path), mode)
}

// syncDir makes the names in a folder durable.
func (l *Lake) syncDir(name string) error {
	f, err := l.dir.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(l.sync(f), f.Close())
}

// folders returns the folders above name, innermost first, down to the lake's own.
func folders(name string) []string {
	var up []string
	for name != "." {
		name = path.Dir(name)
		up = append(up, name)
	}
	return up
}

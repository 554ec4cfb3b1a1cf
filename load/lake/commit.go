package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/transform"
)

// A Commit makes the next snapshot out of its parent: the parent's files
// less those removed, and new ones. Nothing of it is visible before Finish
// returns; one that is never finished costs nothing but disk until the lock is
// next taken. Its methods may be called from several goroutines.
type Commit struct {
	lake   *Lake
	parent Manifest

	mu      sync.Mutex
	files   map[string]File // by path
	touched map[string]bool // folders with new names
}

// Begin starts a commit on top of parent, the newest manifest. The load lock
// must be held.
func (l *Lake) Begin(parent Manifest) *Commit {
	c := &Commit{lake: l, parent: parent, files: map[string]File{}, touched: map[string]bool{}}
	c.Add(parent.Files...)
	return c
}

// Create starts a file of t. The partition is a Month for tables that have
// months, else empty. A day other than empty promises that all rows are of
// that UTC day. The file becomes part of the commit by Add or Replace.
func (c *Commit) Create(t transform.Table, partition, day string) (*Writer, error) {
	if c.lake.held == nil {
		return nil, ErrNotLocked
	}
	if err := checkPartition(t, partition, day); err != nil {
		return nil, fmt.Errorf("file of %s: %w", t.Name, err)
	}
	return newWriter(c, t, File{Table: t.Name, Partition: partition, Day: day})
}

// Add makes files part of the commit. Zero Files and files that are part of
// it already are ignored.
func (c *Commit) Add(files ...File) { c.Replace(nil, files...) }

// Replace takes old out of the commit and makes files part of it. Those taken out
// stay on disk for the snapshots that have them.
func (c *Commit) Replace(old []File, files ...File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range old {
		delete(c.files, f.Path)
	}
	for _, f := range files {
		if f.Path != "" {
			c.files[f.Path] = f
		}
	}
}

// Files returns the files of the commit as it stands, in the manifest's order.
func (c *Commit) Files() []File {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.files), compareFiles)
}

// Finish commits: afterwards the manifest returned is the newest one, durably.
// Of m it uses Run, Program, LogPosition, Borders, Held and, unless zero,
// Tables and CreatedAt. On an error the lake is as before, unless what failed came after the
// manifest had its name; a *ConflictError means that somebody else committed.
func (c *Commit) Finish(ctx context.Context, m Manifest) (Manifest, error) {
	if c.lake.held == nil {
		return Manifest{}, ErrNotLocked
	}
	if err := ctx.Err(); err != nil {
		return Manifest{}, err
	}
	if err := c.number(&m); err != nil {
		return Manifest{}, err
	}
	m.Format = Format
	m.Files = c.Files()
	if m.Tables == nil {
		m.Tables = c.parent.VersionsOnTop()
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = c.lake.now().Truncate(time.Microsecond)
	}
	if err := c.syncFolders(); err != nil {
		return Manifest{}, fmt.Errorf("snapshot %d: %w", m.Snapshot, err)
	}
	if err := c.publish(m); err != nil {
		return Manifest{}, fmt.Errorf("snapshot %d: %w", m.Snapshot, err)
	}
	fault.Point("load.committed")
	if c.lake.scratch {
		return m, c.lake.forget(c.parent, m)
	}
	return m, nil
}

// number gives m its number and names its parent.
func (c *Commit) number(m *Manifest) (err error) {
	m.Parent = c.parent.Snapshot
	if m.Parent > 0 {
		if m.ParentSHA256, _, err = c.lake.ManifestSHA256(ID{Number: m.Parent}); err != nil {
			return err
		}
	}
	m.Snapshot, err = c.lake.beyond(m.Parent + 1)
	return err
}

// publish makes the manifest appear under its name whole or not at all. It
// links rather than renames because link(2) never replaces a file.
func (c *Commit) publish(m Manifest) error {
	l := c.lake
	content, err := encodeManifest(m)
	if err != nil {
		return err
	}
	name := m.ID().path()
	temporary := path.Join(manifestDir, "."+path.Base(name))
	if err := l.at("load.folders_synced"); err != nil {
		return err
	}
	err = l.create(temporary, func(f *os.File) error {
		_, err := f.Write(content)
		return err
	})
	if err == nil {
		err = l.at("load.manifest_written")
	}
	if err == nil {
		err = l.dir.Link(temporary, name)
		if errors.Is(err, fs.ErrExist) {
			err = &ConflictError{m.Snapshot}
		}
	}
	if err != nil {
		return errors.Join(err, l.dir.RemoveAll(temporary))
	}
	if err := l.at("load.manifest_linked"); err != nil {
		return err
	}
	if err := l.dir.Remove(temporary); err != nil {
		return err
	}
	return l.syncDir(manifestDir)
}

// touch notes that the folders above name have a new name in them.
func (c *Commit) touch(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, dir := range folders(name) {
		c.touched[dir] = true
	}
}

func (c *Commit) syncFolders() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.lake.at("load.files_renamed"); err != nil {
		return err
	}
	for dir := range c.touched {
		if err := c.lake.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func checkPartition(t transform.Table, partition, day string) error {
	if t.Time == "" {
		if partition != "" || day != "" {
			return fmt.Errorf("partition %q, day %q of a table without months", partition, day)
		}
		return nil
	}
	if _, err := time.Parse("2006-01", partition); err != nil {
		return fmt.Errorf("partition %q is no month", partition)
	}
	if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
		return fmt.Errorf("day %q is no date", day)
	}
	return nil
}

package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// A Scratch is an empty lake among the staged files of another, for whoever
// holds that one's lock to work with; its files can become part of a commit by
// Adopt. It is locked, keeps the files of its newest snapshot only, nothing in
// it is durable before it is adopted, and the next one to take the lock removes
// what a crash left of it.
type Scratch struct {
	*Lake
	parent *Lake
	name   string
}

// Scratch makes an empty lake, which the caller closes. The load lock must be
// held.
func (l *Lake) Scratch(ctx context.Context) (*Scratch, error) {
	if l.held == nil {
		return nil, ErrNotLocked
	}
	s := &Scratch{parent: l, name: fmt.Sprintf("%s/%d.lake", stagingDir, l.staged.Add(1))}
	err := l.dir.Mkdir(s.name, privateMode) // its rows may not be for those who read the lake
	if err == nil {
		s.Lake, err = Open(filepath.Join(l.path, filepath.FromSlash(s.name)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("scratch lake: %w", err), l.dir.RemoveAll(s.name))
	}
	s.Now, s.GroupBytes, s.scratch = l.Now, l.GroupBytes, true
	s.sync = func(*os.File) error { return nil }
	if _, err := s.Lock(ctx, 0, Holder{Command: "scratch lake"}); err != nil {
		return nil, errors.Join(fmt.Errorf("scratch lake: %w", err), s.Close())
	}
	return s, nil
}

// Close removes the lake.
func (s *Scratch) Close() error {
	return errors.Join((&Guard{s.Lake}).Unlock(), s.Lake.Close(), s.parent.dir.RemoveAll(s.name))
}

// Adopt makes the commit hold the files of a scratch lake's snapshot m and
// nothing else. They move into the lake, except those that it has already and
// that are what they should be. Until Finish nobody sees the difference, but
// that a damaged file may have become whole.
func (c *Commit) Adopt(ctx context.Context, s *Scratch, m Manifest) error {
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.move(s, f); err != nil {
			return fmt.Errorf("file %s: %w", f.Path, err)
		}
	}
	c.Replace(c.Files(), m.Files...)
	return nil
}

// move moves a file out of the scratch lake, unless it is here already. Over a
// damaged one it moves all the same: the name says what its content must be.
func (c *Commit) move(s *Scratch, f File) error {
	l := c.lake
	var damage *DamageError
	if err := l.Check(f); err == nil || !errors.As(err, &damage) {
		return err
	}
	if err := l.at("load.file_adopted"); err != nil {
		return err
	}
	if err := l.makeFolder(f); err != nil {
		return err
	}
	from := path.Join(s.name, f.Path)
	if err := l.syncFile(from); err != nil {
		return err
	}
	if err := l.dir.Rename(from, f.Path); err != nil {
		return err
	}
	c.touch(f.Path)
	return nil
}

// syncFile makes the content of a file durable.
func (l *Lake) syncFile(name string) error {
	f, err := l.dir.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(l.sync(f), f.Close())
}

// forget removes what snapshot m of a scratch lake has no use for any more, so
// that it never takes much more room than its last snapshot.
func (l *Lake) forget(parent, m Manifest) error {
	if parent.Snapshot == 0 {
		return nil
	}
	gone := map[string]bool{manifestPath(parent.Snapshot): true}
	for _, f := range parent.Files {
		gone[f.Path] = true
	}
	for _, f := range m.Files {
		delete(gone, f.Path)
	}
	for name := range gone {
		if err := l.dir.Remove(name); err != nil {
			return fmt.Errorf("scratch lake: %w", err)
		}
	}
	return nil
}

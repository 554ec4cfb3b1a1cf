package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"
)

const openedDir = "opened"

// FolderFor is how long the folder of a snapshot stays once there is the next one, for those who opened its database
// and go on reading. Links cost next to nothing.
const FolderFor = 24 * time.Hour

// A snapshot that somebody opened stays for OpenFor, because they may go on reading. Marks
// are renewed after openRenewed, so that those who ask all the time write little.
const (
	OpenFor     = 24 * time.Hour
	openRenewed = time.Hour
)

// MarkOpened marks a snapshot as opened, and makes sure that it is still there: a snapshot
// that is not is a *DamageError that is fs.ErrNotExist. Where this account may not write,
// nothing is marked.
func (l *Lake) MarkOpened(id ID) error {
	l.mark(id)
	if _, err := l.dir.Lstat(id.path()); errors.Is(err, fs.ErrNotExist) {
		return &DamageError{id.path(), fs.ErrNotExist}
	}
	return nil
}

// mark is best effort: a reader may be another account, or the disk be read-only or full.
func (l *Lake) mark(id ID) {
	name, now := path.Join(openedDir, id.String()), l.now()
	if info, err := l.dir.Stat(name); err == nil && now.Sub(info.ModTime()).Abs() < openRenewed {
		return
	}
	f, err := l.dir.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if l.dir.Mkdir(openedDir, dirMode) != nil {
			return
		}
		f, err = l.dir.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return
	}
	_ = f.Close()
	_ = l.dir.Chtimes(name, now, now)
}

// Opened lists the snapshots that somebody opened less than OpenFor ago.
func (l *Lake) Opened() (open []ID, err error) {
	return open, l.opened(func(id ID, _ string, age time.Duration) error {
		if age < OpenFor {
			open = append(open, id)
		}
		return nil
	})
}

// SweepOpened removes the marks that are as old. The load lock must be held.
func (l *Lake) SweepOpened() error {
	return l.opened(func(_ ID, name string, age time.Duration) error {
		if age < OpenFor {
			return nil
		}
		return l.dir.Remove(name)
	})
}

func (l *Lake) opened(do func(id ID, name string, age time.Duration) error) error {
	entries, err := l.readDir(openedDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("opened snapshots: %w", err)
	}
	now := l.now()
	for _, e := range entries {
		id, ok := ParseID(e.Name())
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || !ok {
			continue
		}
		if err == nil {
			err = do(id, path.Join(openedDir, e.Name()), now.Sub(info.ModTime()))
		}
		if err != nil {
			return fmt.Errorf("opened snapshots: %w", err)
		}
	}
	return nil
}

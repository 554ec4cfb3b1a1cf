package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// A run stops when the disk is full and resumes; below these it is better to
// know before.
const (
	warnFree = 5 << 30   // bytes
	failFree = 500 << 20 // bytes
)

// checkDisk looks at the file systems of state and lake: space, and whether
// they do what a commit relies on.
func (d *doctor) checkDisk() {
	for _, place := range []struct{ name, path string }{
		{"state", d.study.path(d.study.config.State.Path)}, {"lake", d.study.lakePath()},
	} {
		dir, err := nearestFolder(place.path)
		if err != nil {
			d.fail("disk of "+place.name, failure(exitDisk, "", "%w", err))
			continue
		}
		d.checkSpace("disk of "+place.name, dir)
		if err := tryFileSystem(dir); err != nil {
			advice := "keep " + place.name + " on a local file system; network shares often lack this"
			if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
				advice = "free disk space"
			}
			d.fail("file system of "+place.name, advised(exitDisk, advice, "%s: %w", dir, err))
			continue
		}
		d.ok("file system of "+place.name, "rename, link, fsync and lock work in %s", dir)
	}
}

// nearestFolder is path, or the folder in which it would be made.
func nearestFolder(path string) (string, error) {
	for {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return "", fmt.Errorf("%s is no folder", path)
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
		path = filepath.Dir(path)
	}
}

func (d *doctor) checkSpace(check, dir string) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		d.fail(check, failure(exitDisk, "", "%s: %w", dir, err))
		return
	}
	free := st.Bavail * uint64(st.Bsize)
	text := fmt.Sprintf("%.1f GB free in %s", float64(free)/1e9, dir)
	switch advice := "free disk space: a participant-year needs about 20 MB with its raw log"; {
	case free < failFree:
		d.fail(check, advised(exitDisk, advice, "%s", text))
	case free < warnFree:
		d.warn(check, advice, "%s", text)
	default:
		d.ok(check, "%s", text)
	}
}

// tryFileSystem does in dir what commits do, and leaves nothing behind, not even
// another time of the folder.
func tryFileSystem(dir string) (err error) {
	before, err := os.Stat(dir)
	if err != nil {
		return err
	}
	trial, err := os.MkdirTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(trial))
		_ = os.Chtimes(dir, time.Time{}, before.ModTime()) // who may write there need not own it
	}()
	first, second := filepath.Join(trial, "a"), filepath.Join(trial, "b")
	file, err := os.OpenFile(first, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString("trial"); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("fsync: %w", err)
	}
	if err := os.Link(first, second); err != nil {
		return fmt.Errorf("hard link: %w", err)
	}
	if err := os.Link(first, second); !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("a hard link over a file must be refused, got %v", err)
	}
	if err := os.Rename(first, filepath.Join(trial, "c")); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	if err := durable.SyncFolder(trial); err != nil {
		return fmt.Errorf("fsync of a folder: %w", err)
	}
	return tryLock(file, second)
}

// tryLock locks file and looks whether somebody else, who opens it by another
// name, is kept out.
func tryLock(file *os.File, name string) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	other, err := os.Open(name)
	if err != nil {
		return err
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("a lock does not keep others out (got %v)", err)
	}
	return nil
}

// checkModes looks whether others can read what is the study's alone.
func (d *doctor) checkModes() {
	const check = "permissions"
	state := d.study.path(d.study.config.State.Path)
	private := []string{
		state, filepath.Join(state, "state.db"), filepath.Join(state, "audit.jsonl"), d.study.rawPath(), d.study.keyPath(),
	}
	open := 0
	for _, path := range private {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			open++
			d.fail(check, failure(exitUsage, shellLine([]string{"chmod", "go-rwx", path}), "%s can be read by others (mode %04o)", path, info.Mode().Perm()))
		}
	}
	if open == 0 {
		d.ok(check, "state, raw log and keys are yours alone")
	}
}

// checkLake looks at the load lock and at the files of the newest snapshot.
func (d *doctor) checkLake() {
	if _, err := os.Stat(filepath.Join(d.study.lakePath(), "manifests")); errors.Is(err, fs.ErrNotExist) {
		d.ok("lake", "nothing loaded yet")
		return
	}
	l, err := lake.OpenToRead(d.study.lakePath())
	if err != nil {
		d.fail("lake", err)
		return
	}
	defer l.Close()
	d.checkLock(l)
	m, err := l.Current()
	if err != nil {
		d.fail("lake", err)
		return
	}
	harm, err := l.Damaged(m.Files)
	switch {
	case err != nil:
		d.fail("lake", err)
	case len(harm) > 0:
		for _, f := range harm {
			d.fail("lake", f)
		}
	default:
		d.ok("lake", "snapshot %d, all %d files are there", m.Snapshot, len(m.Files))
	}
	if tables := m.Outdated(); len(tables) > 0 {
		d.findings = append(d.findings, finding{check: "lake's program", result: checkWarn, detail: outdatedWords(tables), next: replayNext})
	}
	if m.Snapshot > 0 {
		d.checkRaw(m)
	}
}

// checkRaw looks whether the raw log is the one that snapshot m was made from.
func (d *doctor) checkRaw(m lake.Manifest) {
	const check = "raw log"
	if _, err := os.Stat(d.study.rawPath()); errors.Is(err, fs.ErrNotExist) {
		d.fail(check, d.study.noLog())
		return
	}
	log, err := raw.Open(d.study.rawPath())
	if err != nil {
		d.fail(check, err)
		return
	}
	defer log.Close()
	if err := checkLog(log, m); err != nil {
		d.fail(check, err)
		return
	}
	// Runs read only what came since the index was kept, so here it is all read.
	answers := 0
	for _, err := range log.Entries(raw.Position{}) {
		if err != nil {
			d.fail(check, err)
			return
		}
		answers++
	}
	d.ok(check, "%s answers can be read, and it goes on where snapshot %d ends", thousands(int64(answers)), m.Snapshot)
}

func (d *doctor) checkLock(l *lake.Lake) {
	switch who, held, err := l.Holder(); {
	case err != nil:
		d.fail("load lock", err)
	case held:
		d.warn("load lock", "wait for it, or look at that process", "%v", &lake.LockedError{Holder: who})
	default:
		d.ok("load lock", "free")
	}
}

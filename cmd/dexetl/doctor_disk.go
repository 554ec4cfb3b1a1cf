package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/transform"
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
		{"state", d.study.StatePath()}, {"lake", d.study.LakePath()},
	} {
		dir, err := study.NearestFolder(place.path)
		if err != nil {
			d.fail("disk of "+place.name, failure(exitDisk, nil, "%w", err))
			continue
		}
		d.checkSpace("disk of "+place.name, dir)
		if err := study.TryFileSystem(dir); err != nil {
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

func (d *doctor) checkSpace(check, dir string) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		d.fail(check, failure(exitDisk, nil, "%s: %w", dir, err))
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

// checkModes looks whether others can read what is the study's alone.
func (d *doctor) checkModes() {
	const check = "permissions"
	state := d.study.StatePath()
	private := []string{
		state, filepath.Join(state, "state.db"), filepath.Join(state, "audit.jsonl"), d.study.RawPath(), d.study.KeyPath(),
	}
	for _, t := range transform.Tables() {
		if t.Hidden {
			private = append(private, filepath.Join(d.study.LakePath(), "data", t.Name))
		}
	}
	open := 0
	for _, path := range private {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			open++
			d.fail(check, failure(exitUsage, shell("chmod", "go-rwx", path), "%s can be read by others (mode %04o)", path, info.Mode().Perm()))
		}
	}
	if open == 0 {
		d.ok(check, "state, raw log, free text and keys are yours alone")
	}
}

// checkLake looks at the load lock and at the files of the newest snapshot.
func (d *doctor) checkLake() {
	if _, err := os.Stat(filepath.Join(d.study.LakePath(), "manifests")); errors.Is(err, fs.ErrNotExist) {
		d.ok("lake", "nothing loaded yet")
		return
	}
	l, err := lake.OpenToRead(d.study.LakePath())
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
		d.findings = append(d.findings, finding{check: "lake's program", result: checkWarn, detail: outdatedWords(tables), next: dexetl("replay")})
	}
	if m.Snapshot > 0 {
		d.checkRaw(m)
	}
}

// checkRaw looks whether the raw log is the one that snapshot m was made from.
func (d *doctor) checkRaw(m lake.Manifest) {
	const check = "raw log"
	if _, err := os.Stat(d.study.RawPath()); errors.Is(err, fs.ErrNotExist) {
		d.fail(check, d.study.NoLog())
		return
	}
	log, err := raw.Open(d.study.RawPath())
	if err != nil {
		d.fail(check, err)
		return
	}
	defer log.Close()
	if err := study.CheckLog(log, m); err != nil {
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
	d.ok(check, "%s answers, by their headers, and it goes on where snapshot %d ends; verify reads them whole", thousands(int64(answers)), m.Snapshot)
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

//go:build faults

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/fault/disk"
)

var (
	diskCalls = flag.Int("disk.calls", 0, "calls at which the disk fails in TestDiskFails; 0: every one")
	diskSizes = flag.Int("disk.sizes", 40, "sizes of the disk in TestDiskTooSmall")
)

// However the disk fails, and at whichever call, a run says what is wrong, readers see
// what was there before or what is there after it, and the next run ends where an
// undisturbed one would have.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	empty, older := diskStudies(t)
	for name, s := range map[string]*diskStudy{"first": empty, "second": older} {
		t.Run(name, func(t *testing.T) {
			dir := s.copy(t)
			reader := lakeReader{lake: filepath.Join(dir, "lake")}
			undisturbed := s.sync(dir, func(c disk.Call) disk.Answer {
				reader.before(t, c)
				return disk.Answer{}
			})
			reader.must(t)
			codes := make(map[string]int)
			var one sync.Mutex
			var workers errgroup.Group
			workers.SetLimit(runtime.GOMAXPROCS(0))
			failures := s.failures(undisturbed.calls)
			for _, f := range failures {
				workers.Go(func() error {
					code := s.failAt(t, f)
					one.Lock()
					defer one.Unlock()
					codes[fmt.Sprintf("%s: exit %d", f.name, code)]++
					return nil
				})
			}
			workers.Wait()
			t.Logf("%d calls, %d failures, %d looks: %v", len(undisturbed.calls), len(failures), reader.looks, codes)
		})
	}
}

// A diskFailure is how a disk fails, from its n-th call on.
type diskFailure struct {
	name   string
	n      int
	answer func(disk.Call) disk.Answer
}

// failures are those to try, of a run that makes these calls.
func (s *diskStudy) failures(calls []disk.Call) (all []diskFailure) {
	all = make([]diskFailure, 0, 3*len(calls))
	for i, c := range calls {
		if c.Op == "write" && i > 0 && calls[i-1].Op == "write" && calls[i-1].Path == c.Path && i%16 > 0 {
			continue // one write after the other is much the same
		}
		if needsRoom(c) || c.Op == "fsync" {
			all = append(all, fullDisk(c.N))
		}
		if c.Op == "write" {
			all = append(all, halfDisk(c.N))
		}
		all = append(all, brokenDisk(c.N))
	}
	if *diskCalls == 0 || *diskCalls >= len(all) {
		return all
	}
	some := failuresInSight(calls)
	for i := range *diskCalls {
		some = append(some, all[(i*len(all)+len(all)/2) / *diskCalls])
	}
	return some
}

// failuresInSight are those at the first link of a data file into a folder that readers
// see: what they see there stays until there is another.
func failuresInSight(calls []disk.Call) []diskFailure {
	for _, c := range calls {
		if c.Op == "link" && strings.Contains(c.Path, "/snapshots/0") && strings.Contains(c.From, "/lake/data/") {
			return []diskFailure{fullDisk(c.N), brokenDisk(c.N)}
		}
	}
	return nil
}

// needsRoom reports whether a full disk cannot do a call.
func needsRoom(c disk.Call) bool {
	switch c.Op {
	case "write", "grow", "create", "mkdir", "symlink", "link":
		return true
	}
	return false
}

// fullDisk is a disk that is full from its n-th call on, and says so at once.
func fullDisk(n int) diskFailure {
	return diskFailure{"full", n, func(c disk.Call) disk.Answer {
		if c.N == n && c.Op == "fsync" || c.N >= n && needsRoom(c) { // some disks find out late
			return disk.Answer{Err: syscall.ENOSPC}
		}
		return disk.Answer{}
	}}
}

// halfDisk is a disk that takes half of its first write from the n-th call on, and is full.
func halfDisk(n int) diskFailure {
	var was bool
	return diskFailure{"half", n, func(c disk.Call) disk.Answer {
		switch {
		case c.N < n || !needsRoom(c):
			return disk.Answer{}
		case !was && c.Op == "write":
			was = true
			return disk.Answer{Half: true}
		case !was:
			return disk.Answer{}
		}
		return disk.Answer{Err: syscall.ENOSPC}
	}}
}

// brokenDisk is a disk whose n-th call does not work.
func brokenDisk(n int) diskFailure {
	return diskFailure{"broken", n, func(c disk.Call) disk.Answer {
		if c.N == n {
			return disk.Answer{Err: syscall.EIO}
		}
		return disk.Answer{}
	}}
}

// failAt runs the study on a disk that fails, and then on one that works. It returns
// the exit code of the former.
func (s *diskStudy) failAt(t *testing.T, f diskFailure) int {
	dir := s.copy(t)
	defer os.RemoveAll(dir) // there are thousands
	reader := lakeReader{lake: filepath.Join(dir, "lake")}
	r := s.sync(dir, func(c disk.Call) disk.Answer {
		if c.N >= f.n { // until then all is well
			reader.before(t, c)
		}
		return f.answer(c)
	})
	reader.must(t)
	at := fmt.Sprintf("%s at the end", f.name)
	if len(r.calls) >= f.n {
		at = fmt.Sprintf("%s at %v", f.name, r.calls[f.n-1])
	}
	switch {
	case r.code == exitDisk:
	case r.code == exitUnexpected && strings.Contains(r.stderr, dir):
		t.Logf("%s: exit %d\n%s", at, r.code, r.stderr)
	case r.code == exitDone && says(t, dir) == s.want:
	default:
		t.Errorf("%s: exit %d\n%s", at, r.code, r.stderr)
	}
	if r := s.sync(dir, nil); r.code != exitDone {
		t.Errorf("%s; the run after it: %v", at, r)
	}
	reader.must(t)
	if got := says(t, dir); got != s.want {
		t.Errorf("%s; after the run after it the lake says\n%swant\n%s", at, got, s.want)
	}
	tidyLake(t, filepath.Join(dir, "lake"))
	return r.code
}

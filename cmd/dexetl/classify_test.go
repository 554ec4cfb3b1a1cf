package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study/config"
)

// A file of another account is one matter, wherever it is met: who runs this, or
// whose files they are. A port is another.
func TestDenied(t *testing.T) {
	open := &fs.PathError{Op: "openat", Path: "manifests/000000000026.json", Err: syscall.EACCES}
	for name, err := range map[string]error{
		"a manifest":        fmt.Errorf("manifest 26: %w", open),
		"the configuration": &config.Error{Path: "dexetl.yaml", Err: open},
		"a link":            &os.LinkError{Op: "link", Old: "a", New: "b", Err: syscall.EPERM},
	} {
		if got := classified(err); got.code != exitDisk || !strings.Contains(got.advice, "chown -R") || got.next != sameCommand {
			t.Errorf("%s: exit %d, advice %q, next %q, want %d, whose the study is, and the same command", name, got.code, got.advice, got.next, exitDisk)
		}
	}
	for name, err := range map[string]error{
		"a file that is missing": &fs.PathError{Op: "open", Path: "roster.csv", Err: syscall.ENOENT},
		"a port below 1024":      &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)},
	} {
		if got := classified(err); got.code == exitDisk {
			t.Errorf("%s: exit %d, advice %q", name, got.code, got.advice)
		}
	}
}

// Where files cannot be locked, whichever it is and whatever the kernel calls it, the
// file system is named as the cause, and what to do.
func TestLockless(t *testing.T) {
	for _, errno := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS, syscall.EINVAL} {
		err := fmt.Errorf("load lock: %w", &fs.PathError{Op: "flock", Path: "lake/load.lock", Err: errno})
		got := classified(err)
		if got.code != exitDisk || !strings.Contains(got.advice, "local file system") || got.next != "dexetl doctor" {
			t.Errorf("%v: exit %d, advice %q, next %q, want %d, a local file system, and doctor", errno, got.code, got.advice, got.next, exitDisk)
		}
	}
}

// What is in the way for now has its own code and says what to do, however deep the
// error lies.
func TestInTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		code   int
		advice string
	}{
		"state held":         {&state.BusyError{Path: "state.db"}, exitLocked, "lsof"},
		"state held, joined": {fmt.Errorf("claim: %w", errors.Join(&state.BusyError{}, &consent.TemporaryError{})), exitLocked, "lsof"},
		"files of a process": {&fs.PathError{Op: "open", Path: "raw/2027", Err: syscall.EMFILE}, exitDisk, "ulimit -n"},
		"files of a machine": {&fs.PathError{Op: "open", Path: "raw/2027", Err: syscall.ENFILE}, exitDisk, "fs.file-max"},
		"a broken disk":      {fmt.Errorf("raw log: %w", &fs.PathError{Op: "read", Path: "raw/2027", Err: syscall.EIO}), exitDisk, "machine's log"},
	} {
		if got := classified(c.err); got.code != c.code || !strings.Contains(got.advice, c.advice) || got.next != sameCommand {
			t.Errorf("%s: exit %d, advice %q, next %q, want %d, %q and the same command", name, got.code, got.advice, got.next, c.code, c.advice)
		}
	}
}

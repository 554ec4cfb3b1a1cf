package main

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A file of another account is one matter, wherever it is met: who runs this, or
// whose files they are. A port is another.
func TestDenied(t *testing.T) {
	open := &fs.PathError{Op: "openat", Path: "manifests/000000000026.json", Err: syscall.EACCES}
	for name, err := range map[string]error{
		"a manifest":        fmt.Errorf("manifest 26: %w", open),
		"the configuration": &configError{Path: "dexetl.yaml", Err: open},
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

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/study"
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
		if got := classified(err); got.code != exitDisk || !strings.Contains(got.advice, "chown -R") || !slices.Equal(got.next, again()) {
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

// An error that knows what a file is for is told by that, whatever is wrong with the file.
func TestWhatAFileIsFor(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}
	lost := &load.ForgottenWithdrawalError{ParticipantID: "P001"}
	for _, tt := range []struct {
		err          error
		code         int
		advice, next string // a part of it
	}{
		{&study.SecretError{Fault: study.SecretFileUnread, App: "api", From: "x", Err: denied}, exitUsage, "", ""},
		{&study.SecretError{Fault: study.NoSecretFile, App: "api", From: "x", Err: denied}, exitUsage, "write the app's secret into x", ""},
		{&study.SecretError{Fault: study.SecretFileOpen, App: "api", From: "x", Err: errors.New("mode 0644")}, exitUsage, "", "chmod 600 x"},
		{&study.SecretError{Fault: study.CredentialUnread, Key: true, Err: denied}, exitKey, "LoadCredential", ""},
		{&study.SecretError{Fault: study.SecretCommandFailed, Key: true, From: "state.key_command", Err: denied}, exitKey, "run state.key_command by hand", ""},
		{&study.TextsError{Path: "texts.yaml", Err: denied}, exitUsage, "into texts.yaml", "--print-texts"},
		{&answer.StatementError{Err: denied}, exitUsage, "", "show tables"},
		{&study.LostLogError{Err: &raw.DamageError{}}, exitDamage, "lake.path", ""},
		{&study.UnknownWithdrawnError{Err: lost}, exitDamage, "participants import FILE", ""},
		{verdict(study.Result{Unerased: &study.UnfinishedErasureError{ParticipantID: "P001", Stage: cohort.EraseLog, Err: &raw.DamageError{File: "x.seg"}}}),
			exitDamage, "restore the file from a backup", "dexetl withdraw P001 --erase"},
		{lost, exitDamage, "record the withdrawal again", "dexetl withdraw P001"},
	} {
		got := classified(fmt.Errorf("sync: %w", tt.err))
		next := strings.Join(got.next, " ")
		if got.code != tt.code || !strings.Contains(got.advice, tt.advice) || (tt.advice == "") != (got.advice == "") ||
			!strings.Contains(next, tt.next) || (tt.next == "") != (next == "") {
			t.Errorf("%T %v: exit %d, advice %q, next %q, want %d, %q, %q", tt.err, tt.err, got.code, got.advice, got.next, tt.code, tt.advice, tt.next)
		}
	}
}

// Where files cannot be locked, whichever it is and whatever the kernel calls it, the
// file system is named as the cause, and what to do.
func TestLockless(t *testing.T) {
	for _, errno := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS, syscall.EINVAL} {
		err := fmt.Errorf("load lock: %w", &fs.PathError{Op: "flock", Path: "lake/load.lock", Err: errno})
		got := classified(err)
		if got.code != exitDisk || !strings.Contains(got.advice, "local file system") || !slices.Equal(got.next, dexetl("doctor")) {
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
		if got := classified(c.err); got.code != c.code || !strings.Contains(got.advice, c.advice) || !slices.Equal(got.next, again()) {
			t.Errorf("%s: exit %d, advice %q, next %q, want %d, %q and the same command", name, got.code, got.advice, got.next, c.code, c.advice)
		}
	}
}

// Of a command that writes all or nothing, an interrupted one leaves nothing to go on with.
func TestInterruptedBeginsAnew(t *testing.T) {
	err := classified(writtenAnew(fmt.Errorf("query: %w", context.Canceled)))
	if err.code != exitInterrupted || !strings.Contains(err.err.Error(), "begins anew") || !slices.Equal(err.next, again()) {
		t.Errorf("exit %d, %v, next %q", err.code, err.err, err.next)
	}
	if other := errors.New("other"); writtenAnew(other) != other || writtenAnew(nil) != nil {
		t.Error("another end is told as an interruption")
	}
}

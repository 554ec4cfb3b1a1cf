package lake

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestLockIsExclusive(t *testing.T) {
	root := t.TempDir()
	one, two := reopen(t, root), reopen(t, root)
	since := march
	g, err := one.Lock(t.Context(), 0, Holder{Command: "dexetl backfill", Since: since})
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	_, err = two.Lock(t.Context(), 0, Holder{Command: "dexetl sync"})
	want := Holder{PID: os.Getpid(), Command: "dexetl backfill", Since: since}
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder != want {
		t.Fatalf("second Lock = %v, want a LockedError with %+v", err, want)
	}
	if !strings.Contains(err.Error(), "dexetl backfill") {
		t.Errorf("LockedError says %q, want the command in it", err)
	}
	if err := g.Unlock(); err != nil {
		t.Fatalf("Unlock: %v", err)
	}
	if err := g.Unlock(); err != nil {
		t.Errorf("second Unlock: %v, want nothing", err)
	}
	lock(t, two)
}

// What is written in the lock file is only for people: a broken one locks no
// less and no more.
func TestLockFileIsOnlyTalk(t *testing.T) {
	root := t.TempDir()
	one, two := reopen(t, root), reopen(t, root)
	lock(t, one)
	if err := os.WriteFile(root+"/"+lockFile, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := two.Lock(t.Context(), 0, Holder{}); !errors.As(err, &locked) || locked.Holder != (Holder{}) {
		t.Errorf("Lock with an unreadable holder = %v, want a LockedError without one", err)
	}
}

func TestLockWaits(t *testing.T) {
	root := t.TempDir()
	one, two := reopen(t, root), reopen(t, root)
	synctest.Test(t, func(t *testing.T) {
		g := lock(t, one)
		start := time.Now()
		_, err := two.Lock(t.Context(), time.Minute, Holder{})
		var locked *LockedError
		if waited := time.Since(start); !errors.As(err, &locked) || waited != time.Minute {
			t.Errorf("Lock that waits a minute = %v after %v, want a LockedError after a minute", err, waited)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := two.Lock(ctx, time.Minute, Holder{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock with a deadline = %v, want context.DeadlineExceeded", err)
		}

		time.AfterFunc(10*time.Second, func() { g.Unlock() })
		start = time.Now()
		late, err := two.Lock(t.Context(), time.Minute, Holder{})
		if waited := time.Since(start); err != nil || waited > 11*time.Second {
			t.Fatalf("Lock released after 10 s = %v after %v, want it soon after", err, waited)
		}
		synctest.Wait() // for Unlock to return
		late.Unlock()
	})
}

// Where files cannot be locked there is nothing to wait for.
func TestLockWhereThereAreNone(t *testing.T) {
	for _, errno := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS} {
		l := reopen(t, t.TempDir())
		calls := 0
		l.flock = func(int, int) error {
			if calls++; calls == 1 {
				return syscall.EINTR // is asked again
			}
			return errno
		}
		var path *fs.PathError
		_, err := l.Lock(t.Context(), time.Hour, Holder{})
		if !errors.As(err, &path) || path.Op != "flock" || path.Err != errno || path.Path != l.Path()+"/"+lockFile || calls != 2 {
			t.Errorf("Lock: %v after %d calls, want a *fs.PathError of flock and the file, %v, after 2", err, calls, errno)
		}
	}
}

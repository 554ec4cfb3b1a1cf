package raw

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every flipped bit and every cut of a compacted segment is found and named, or
// harmless.
func TestDamageOfCompactedIsFound(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 2, 3, 64<<20)
	compactAll(t, l, func(e Entry) Fate { return Fate{Drop: e.RequestID == "001-01"} })
	want := tellAll(t, l, Position{})
	list, err := segments(dir)
	must(t, err)
	path := list[0].path
	whole, err := os.ReadFile(path)
	must(t, err)
	try := func(what string, b []byte) {
		overwrite(t, path, b)
		fresh := open(t, dir)
		defer fresh.Close()
		var got []told
		for e, err := range fresh.Entries(Position{}) {
			if err == nil {
				var body []byte
				body, err = e.Plain()
				if dropped := (*DroppedError)(nil); errors.As(err, &dropped) {
					body, err = []byte("dropped, 0 rejected"), nil
				}
				got = append(got, told{e.Header, e.Position, e.Next, string(body)})
			}
			if err == nil {
				continue
			}
			checkTyped(t, err)
			var damage *DamageError
			if errors.As(err, &damage) && damage.File != path {
				t.Errorf("%s: %v names another file than %s", what, err, path)
			}
			return
		}
		t.Errorf("%s: not found; entries (-want +got):\n%s", what, cmp.Diff(want, got))
	}
	for at := range whole {
		bad := slices.Clone(whole)
		bad[at] ^= 1 << (at % 8)
		try(fmt.Sprintf("bit of byte %d of %d flipped", at, len(whole)), bad)
		if at%16 == 0 {
			try(fmt.Sprintf("cut to %d bytes of %d", at, len(whole)), whole[:at])
		}
	}
	try("a byte more", append(slices.Clone(whole), 0))
}

// A compacted segment behind which the others are missing is no log to append to.
func TestCompactedIsNeverLast(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 1, 1, 64<<20)
	compactAll(t, l, keepAll)
	must(t, os.Remove(lastSegment(t, dir)))
	var damage *DamageError
	fresh := open(t, dir)
	if _, _, err := read(fresh, Position{}); !errors.As(err, &damage) {
		t.Errorf("Entries: %v; want a *DamageError", err)
	}
	if _, err := fresh.Append(t.Context(), header("z"), nil); !errors.As(err, &damage) {
		t.Errorf("Append: %v; want a *DamageError", err)
	}
}

// compactAsChild compacts and dies at the point named: before or after the nth
// fsync, or at the nth entry.
func compactAsChild(dir, die string) {
	l, err := Open(dir)
	if err != nil {
		panic(err)
	}
	n := 0
	at := func(point string) {
		if die == fmt.Sprint(point, n) {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // there is no after
			select {}
		}
	}
	l.Fsync = func(f *os.File) error {
		n++
		at("before")
		defer at("after")
		return f.Sync()
	}
	_, err = l.Compact(context.Background(), 1, func(e Entry) Fate {
		if die == e.RequestID {
			n = 0
			die = "entry0"
			at("entry")
		}
		return Fate{}
	})
	if err != nil {
		panic(err)
	}
}

// A compaction that is killed anywhere leaves the log whole, and the next one
// does the work.
func TestKilledCompaction(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	for _, die := range []string{"001-00", "before1", "after1", "before2", "after2"} {
		t.Run(die, func(t *testing.T) {
			dir := t.TempDir()
			l := hourly(t, dir, 2, 3, 64<<20)
			want := tellAll(t, l, Position{})
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "RAW_TEST_COMPACT="+dir, "RAW_TEST_DIE="+die)
			err := cmd.Run()
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("child: %v; want it killed", err)
			}
			if diff := cmp.Diff(want, tellAll(t, l, Position{})); diff != "" {
				t.Fatalf("after the kill (-want +got):\n%s", diff)
			}
			mustAppend(t, open(t, dir), header("more"), nil)
			compactAll(t, l, keepAll)
			if diff := cmp.Diff(want, tellAll(t, l, Position{})[:len(want)]); diff != "" {
				t.Fatalf("after the next compaction (-want +got):\n%s", diff)
			}
			err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if strings.HasSuffix(path, ".compacting") {
					t.Errorf("left over: %s", path)
				}
				return err
			})
			must(t, err)
		})
	}
}

// A failing disk leaves the segment as it was.
func TestFailedCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 2, 3, 64<<20)
	want := tellAll(t, l, Position{})
	broken := errors.New("broken disk")
	l.Fsync = func(*os.File) error { return broken }
	if _, err := l.Compact(t.Context(), 1, keepAll); !errors.Is(err, broken) {
		t.Errorf("Compact: %v, want %v", err, broken)
	}
	if diff := cmp.Diff(want, tellAll(t, l, Position{})); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

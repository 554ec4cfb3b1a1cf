package disk_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dexetl/dexetl/extract/fault/disk"
)

// The test binary, run again with this variable, works in the folder that it names.
const child = "DISK_TEST_CHILD"

func TestMain(m *testing.M) {
	dir := os.Getenv(child)
	if dir == "" {
		os.Exit(m.Run())
	}
	disk.Enter()
	for _, s := range steps {
		if err := s.do(dir); err != nil {
			fmt.Println(s.name, err)
			os.Exit(1)
		}
	}
}

// A step is one call by way of Go's own library, or of one that C's takes.
type step struct {
	name string // as a Call says it
	do   func(dir string) error
}

var steps = []step{
	{"mkdir d", func(dir string) error { return os.Mkdir(dir+"/d", 0o700) }},
	{"create d/f", func(dir string) error {
		return open(dir, "d/f", os.O_CREATE|os.O_WRONLY, func(*os.File) error { return nil })
	}},
	{"write d/f", func(dir string) error {
		return open(dir, "d/f", os.O_WRONLY, func(f *os.File) error { _, err := f.Write([]byte("12345678")); return err })
	}},
	{"write d/f", func(dir string) error {
		return open(dir, "d/f", os.O_WRONLY, func(f *os.File) error { _, err := f.WriteAt([]byte("abcd"), 4); return err })
	}},
	{"write d/f", func(dir string) error {
		return open(dir, "d/f", os.O_WRONLY|os.O_APPEND, func(f *os.File) error {
			_, err := unix.Writev(int(f.Fd()), [][]byte{[]byte("ef"), []byte("gh")})
			return err
		})
	}},
	{"fsync d/f", func(dir string) error { return open(dir, "d/f", os.O_RDONLY, (*os.File).Sync) }},
	{"fsync d/f", func(dir string) error {
		return open(dir, "d/f", os.O_RDONLY, func(f *os.File) error { return unix.Fdatasync(int(f.Fd())) })
	}},
	{"fsync d", func(dir string) error { return open(dir, "d", os.O_RDONLY, (*os.File).Sync) }},
	{"truncate d/f", func(dir string) error {
		return open(dir, "d/f", os.O_WRONLY, func(f *os.File) error { return f.Truncate(4) })
	}},
	{"grow d/f", func(dir string) error {
		return open(dir, "d/f", os.O_WRONLY, func(f *os.File) error { return unix.Fallocate(int(f.Fd()), 0, 0, 8) })
	}},
	{"create d/f", func(dir string) error {
		return open(dir, "d/f", os.O_WRONLY|os.O_TRUNC, func(*os.File) error { return nil })
	}},
	{"chmod d/f", func(dir string) error { return os.Chmod(dir+"/d/f", 0o600) }},
	{"chmod d/f", func(dir string) error {
		return open(dir, "d/f", os.O_RDONLY, func(f *os.File) error { return f.Chmod(0o400) })
	}},
	{"link d/g", func(dir string) error { return os.Link(dir+"/d/f", dir+"/d/g") }},
	{"rename d/h", func(dir string) error { return os.Rename(dir+"/d/g", dir+"/d/h") }},
	{"symlink d/s", func(dir string) error { return os.Symlink("f", dir+"/d/s") }},
	{"remove d/s", func(dir string) error { return unix.Unlink(dir + "/d/s") }},
	{"rename d/i", func(dir string) error {
		return in(dir, func(r *os.Root) error { return r.Rename("d/h", "d/i") })
	}},
	{"link d/j", func(dir string) error { return in(dir, func(r *os.Root) error { return r.Link("d/i", "d/j") }) }},
	{"symlink s", func(dir string) error { return in(dir, func(r *os.Root) error { return r.Symlink("d", "s") }) }},
	{"mkdir e", func(dir string) error { return in(dir, func(r *os.Root) error { return r.Mkdir("e", 0o700) }) }},
	{"remove e", func(dir string) error { return unix.Rmdir(dir + "/e") }},
}

func open(dir, name string, flags int, do func(*os.File) error) error {
	f, err := os.OpenFile(filepath.Join(dir, name), flags, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(do(f), f.Close())
}

func in(dir string, do func(*os.Root) error) error {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	return errors.Join(do(r), r.Close())
}

// run runs the steps in a new folder, and returns it, the calls, and how they ended.
func run(t *testing.T, answer func(disk.Call) disk.Answer) (dir string, seen []string, out string, err error) {
	t.Helper()
	dir = t.TempDir()
	d := disk.Disk{Folder: dir, Answer: func(c disk.Call) disk.Answer {
		seen = append(seen, c.Op+" "+strings.TrimPrefix(c.Path, dir+"/"))
		return answer(c)
	}}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), child+"="+dir)
	var text strings.Builder
	c.Stdout = &text
	if err = d.Run(c); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	return dir, seen, text.String(), err
}

// Each step is one call, which comes once and is told as what it is.
func TestEveryCallIsSeen(t *testing.T) {
	_, seen, out, err := run(t, func(disk.Call) disk.Answer { return disk.Answer{} })
	var want []string
	for _, s := range steps {
		want = append(want, s.name)
	}
	if err != nil || !slices.Equal(seen, want) {
		t.Errorf("%v %s; calls\n%q, want\n%q", err, out, seen, want)
	}
}

// Whichever call fails, its error comes out at the step that made it, and nothing after
// it is done.
func TestCallsFail(t *testing.T) {
	for i, s := range steps {
		_, seen, out, err := run(t, func(c disk.Call) disk.Answer {
			if c.N == i+1 {
				return disk.Answer{Err: syscall.EIO}
			}
			return disk.Answer{}
		})
		if err == nil || !strings.HasPrefix(out, s.name) && !strings.Contains(out, syscall.EIO.Error()) || len(seen) != i+1 {
			t.Errorf("call %d, %s, was to fail: %v %q after %d calls", i+1, s.name, err, out, len(seen))
		}
	}
}

func TestHalfIsWritten(t *testing.T) {
	for _, tt := range []struct {
		call int
		want string
	}{{3, "1234"}, {4, "1234ab78"}} {
		full := false
		dir, _, out, err := run(t, func(c disk.Call) disk.Answer {
			if full {
				return disk.Answer{Err: syscall.ENOSPC}
			}
			full = c.N == tt.call
			return disk.Answer{Half: full}
		})
		got, _ := os.ReadFile(dir + "/d/f")
		if err == nil || !strings.Contains(out, syscall.ENOSPC.Error()) || string(got) != tt.want {
			t.Errorf("half of call %d: %v %s; the file has %q, want %q", tt.call, err, out, got, tt.want)
		}
	}
}

func TestKilledInFrontOfACall(t *testing.T) {
	dir, seen, _, err := run(t, func(c disk.Call) disk.Answer { return disk.Answer{Kill: c.N == 3} })
	got, e := os.ReadFile(dir + "/d/f")
	if err == nil || len(seen) != 3 || len(got) != 0 || e != nil {
		t.Errorf("%v after %d calls; the file has %q, %v", err, len(seen), got, e)
	}
}

// Names outside the folder are nobody's business here.
func TestOtherFolders(t *testing.T) {
	d := disk.Disk{Folder: t.TempDir(), Answer: func(c disk.Call) disk.Answer {
		t.Error(c)
		return disk.Answer{}
	}}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), child+"="+t.TempDir())
	if err := d.Run(c); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

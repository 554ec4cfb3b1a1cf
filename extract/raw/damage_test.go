package raw

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// A crash may leave any prefix of the last append, or zeros in its place. Only
// that append is lost, and the log goes on.
func TestTornTail(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	small := func(id string) Header { return Header{RequestID: id, AskedAt: asked} }
	mustAppend(t, l, small("a"), gzipped(t, []byte("body a")))
	start := mustAppend(t, l, small("b"), gzipped(t, []byte("body b"))).Position.Offset
	path := lastSegment(t, dir)
	whole, err := os.ReadFile(path)
	must(t, err)
	next := gzipped(t, []byte("body c"))
	for n := range int64(len(whole)) {
		want := "a"
		if n < start {
			want = ""
		}
		if err := checkTorn(t, dir, path, whole[:n], next, want); err != nil {
			t.Fatalf("last entry at %d, cut at %d: %v", start, n, err)
		}
		// Zeros in a, which was acknowledged, are damage; fewer zeros than the
		// shortest run that counts are a flipped bit.
		if n == 0 || n >= start && int64(len(whole))-n >= minZeros {
			zeros := append(bytes.Clone(whole[:n]), make([]byte, int64(len(whole))-n)...)
			if err := checkTorn(t, dir, path, zeros, next, want); err != nil {
				t.Fatalf("last entry at %d, zeros from %d on: %v", start, n, err)
			}
		}
	}
}

// checkTorn reads the log in dir with torn as its only segment and extends it by
// next, which is "body c" as gzip.
func checkTorn(t *testing.T, dir, path string, torn, next []byte, want string) error {
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, torn, 0o600))
	l, err := Open(dir)
	if err != nil {
		return err
	}
	defer l.Close()
	noSync(l)
	ids, _, err := read(l, Position{})
	if got := strings.Join(ids, " "); err != nil || got != want {
		return fmt.Errorf("Entries before the next append = %q, %v; want %q", got, err, want)
	}
	if _, err := l.Append(t.Context(), header("c"), next); err != nil {
		return fmt.Errorf("Append: %w", err)
	}
	ids, bodies, err := read(l, Position{})
	want = strings.TrimSpace(want + " c")
	if got := strings.Join(ids, " "); err != nil || got != want || bodies[len(bodies)-1] != "body c" {
		return fmt.Errorf("Entries after the next append = %q, %q, %v; want %q", got, bodies, err, want)
	}
	return nil
}

// Every single flipped bit is found, wherever it is, and an append after it
// neither hides it nor destroys anything.
func TestBitFlips(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	l.maxSegment = 1500
	for _, id := range []string{"a", "b", "c", "d"} {
		mustAppend(t, l, header(id), gzipped(t, []byte("the body of "+id)))
	}
	list, err := segments(dir)
	if err != nil || len(list) < 2 {
		t.Fatalf("segments = %v, %v; want several", list, err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	body := gzipped(t, nil)
	for _, s := range list {
		whole, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			bad := bytes.Clone(whole)
			bad[i] ^= 1 << rng.IntN(8)
			overwrite(t, s.path, bad)
			ids, _, err := read(l, Position{})
			var damage *DamageError
			var newer *VersionError
			if !errors.As(err, &damage) && !errors.As(err, &newer) {
				t.Fatalf("%s with bit flipped in byte %d of %d: Entries = %v, %v; want a *DamageError", s.path, i, len(whole), ids, err)
			}
			fresh, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := noSync(fresh).Append(t.Context(), header("x"), body); err == nil {
				checkKept(t, s.path, bad)
				undo(t, dir, list, s.path)
			}
			fresh.Close()
			overwrite(t, s.path, whole)
		}
	}
}

// overwrite writes b over the head of the file in place. (To truncate a file and
// write it anew makes some file systems flush it.)
func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(b, 0)
	must(t, errors.Join(err, f.Close()))
}

// checkKept checks that path still begins with want.
func checkKept(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(got, want) {
		t.Fatalf("Append changed damaged bytes of %s", path)
	}
}

// undo takes back an append that went to the last segment of list or beyond.
func undo(t *testing.T, dir string, list []segment, damaged string) {
	t.Helper()
	now, err := segments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range now[len(list):] {
		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
	}
	last := list[len(list)-1].path
	if last == damaged {
		return
	}
	f, err := os.OpenFile(last, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := fileSize(f)
	if err != nil {
		t.Fatal(err)
	}
	scan, err := newScanner(f, list[len(list)-1].number, true, 0, size)
	end := int64(segmentHeaderLen)
	for err == nil {
		var e Entry
		if e, err = scan.next(); err == nil && e.RequestID != "x" {
			end = e.Next.Offset
		}
	}
	if err := f.Truncate(end); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		harm   func(t *testing.T, paths []string)
		file   int // of the segment that the error names
		reason string
	}{
		{"a segment is missing", func(t *testing.T, p []string) { must(t, os.Remove(p[1])) }, 2, "segment 2, which belongs in front of it, is missing"},
		{"the first segment is missing", func(t *testing.T, p []string) { must(t, os.Remove(p[0])) }, 1, "segment 1, which belongs in front of it, is missing"},
		{"cut between entries", func(t *testing.T, p []string) { must(t, os.Truncate(p[1], segmentHeaderLen)) }, 1, "the segment is cut off"},
		{"cut in an entry", func(t *testing.T, p []string) { must(t, os.Truncate(p[1], 300)) }, 1, "the segment is cut off"},
		{"grown", func(t *testing.T, p []string) { grow(t, p[1]) }, 1, "bytes after the end mark"},
		{"not ours", func(t *testing.T, p []string) { must(t, os.WriteFile(p[1], make([]byte, 100), 0o600)) }, 1, "not a segment of the raw log"},
		{"renamed", func(t *testing.T, p []string) {
			must(t, errors.Join(os.Remove(p[2]), os.Rename(p[3], p[1])))
		}, 1, "header says segment 4, the name says 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir)
			l.maxSegment = 1
			var paths []string
			for i := range 4 {
				mustAppend(t, l, header(fmt.Sprint(i)), bytes.Repeat([]byte("0123"), 10))
				paths = append(paths, lastSegment(t, dir))
			}
			tt.harm(t, paths)
			_, _, err := read(l, Position{})
			var damage *DamageError
			if !errors.As(err, &damage) || damage.File != paths[tt.file] || !strings.HasPrefix(damage.Reason, tt.reason) {
				t.Errorf("Entries: %v; want a *DamageError of %s: %s", err, paths[tt.file], tt.reason)
			}
		})
	}
}

func grow(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("more")
	must(t, errors.Join(err, f.Close()))
}

// A torn tail that is longer than the entry written in its place leaves nothing
// behind it.
func TestLongTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	mustAppend(t, l, header("a"), nil)
	long := mustAppend(t, l, header("b"), append(bytes.Clone(gzipMagic), bytes.Repeat([]byte{0xff}, 5000)...))
	must(t, os.Truncate(lastSegment(t, dir), long.Next.Offset-1))
	fresh := open(t, dir)
	mustAppend(t, fresh, header("c"), nil)
	mustAppend(t, fresh, header("d"), nil)
	if ids, _, err := read(fresh, Position{}); err != nil || strings.Join(ids, " ") != "a c d" {
		t.Errorf("Entries = %v, %v; want a c d", ids, err)
	}
}

// A torn tail that an append cuts off under a reader's eyes is no damage to it.
func TestTailCutWhileReading(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	noise := make([]byte, 3*scanAhead) // more than a reader reads ahead
	rand.NewChaCha8([32]byte{}).Read(noise)
	mustAppend(t, l, header("a"), noise)
	mustAppend(t, l, header("b"), noise)
	path := lastSegment(t, dir)
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()-scanAhead))
	var ids []string
	for e, err := range open(t, dir).Entries(Position{}) {
		must(t, err)
		if ids = append(ids, e.RequestID); e.RequestID == "a" {
			mustAppend(t, open(t, dir), header("c"), nil)
		}
	}
	if got := strings.Join(ids, " "); got != "a" && got != "a c" {
		t.Errorf("Entries = %s; want a, and perhaps c", got)
	}
}

func TestPositionBeyondTheEnd(t *testing.T) {
	l := open(t, t.TempDir())
	e := mustAppend(t, l, header("a"), nil)
	if ids, _, err := read(l, e.Next); err != nil || len(ids) != 0 {
		t.Errorf("Entries(end) = %v, %v; want nothing", ids, err)
	}
	for _, p := range []Position{{e.Next.Segment, e.Next.Offset + 1}, {e.Next.Segment + 1, 0}} {
		var damage *DamageError
		if _, _, err := read(l, p); !errors.As(err, &damage) {
			t.Errorf("Entries(%s) of a log that ends at %s: %v; want a *DamageError", p, e.Next, err)
		}
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	mustAppend(t, l, header("a"), nil)
	head := segmentHeader(1)
	head[8] = newestVersion + 1
	head = head[:segmentHeaderLen-4]
	sum := checksum(head)
	head = append(head, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
	f, err := os.OpenFile(lastSegment(t, dir), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(head, 0)
	must(t, errors.Join(err, f.Close()))
	var newer *VersionError
	if _, _, err := read(l, Position{}); !errors.As(err, &newer) || newer.Version != newestVersion+1 {
		t.Errorf("Entries: %v; want a *VersionError of version %d", err, newestVersion+1)
	}
	if _, err := open(t, dir).Append(t.Context(), header("b"), nil); !errors.As(err, &newer) {
		t.Errorf("Append: %v; want a *VersionError", err)
	}
}

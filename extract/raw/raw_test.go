package raw

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("RAW_TEST_COMPACT"); dir != "" {
		compactAsChild(dir, os.Getenv("RAW_TEST_DIE"))
		os.Exit(0)
	}
	if dir := os.Getenv("RAW_TEST_APPEND"); dir != "" {
		if err := appendAsChild(dir, os.Getenv("RAW_TEST_NAME")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var asked = time.Date(2026, 3, 31, 23, 59, 58, 123456000, time.UTC)

func header(id string) Header {
	return Header{
		RequestID: id, RunID: "run", ParticipantID: "P001", ConnectionID: "c1", Resource: "egvs", Beat: "backfill",
		WindowStart: asked.AddDate(0, 0, -30), WindowEnd: asked, Status: 200, AskedAt: asked, ServerDate: asked.Truncate(time.Second), Records: 3,
	}
}

func gzipped(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// noSync makes l not wait for the disk, for tests that append very often and
// cut no power.
func noSync(l *Log) *Log {
	l.fsync = func(*os.File) error { return nil }
	return l
}

func mustAppend(t testing.TB, l *Log, h Header, body []byte) Entry {
	t.Helper()
	e, err := l.Append(t.Context(), h, body)
	if err != nil {
		t.Fatalf("Append(%s): %v", h.RequestID, err)
	}
	return e
}

// read returns the log's entries as ids, with their bodies, and the error that
// ended the iteration.
func read(l *Log, from Position) (ids, bodies []string, err error) {
	for e, err := range l.Entries(from) {
		if err != nil {
			return ids, bodies, err
		}
		plain, err := e.Plain()
		if err != nil {
			return ids, bodies, err
		}
		ids, bodies = append(ids, e.RequestID), append(bodies, string(plain))
	}
	return ids, bodies, nil
}

// lastSegment returns the path of the newest segment below dir.
func lastSegment(t testing.TB, dir string) string {
	t.Helper()
	list, err := segments(dir)
	if err != nil || len(list) == 0 {
		t.Fatalf("segments(%s) = %v, %v; want at least one", dir, list, err)
	}
	return list[len(list)-1].path
}

func TestAppendAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ra[w")
	l := open(t, dir)
	plain := []byte(`{"records":[]}`)
	for _, tt := range []struct {
		name     string
		body     []byte
		encoding string
		plain    []byte
	}{
		{"gzip", gzipped(t, plain), "gzip", plain},
		{"plain", plain, "zstd", plain},
		{"empty", nil, "zstd", nil},
	} {
		want := header(tt.name)
		got := mustAppend(t, l, want, tt.body)
		want.Encoding, want.SHA256, want.Length = tt.encoding, digest(tt.body), int64(len(tt.body))
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Errorf("Append(%s) header (-want +got):\n%s", tt.name, diff)
		}
		var last Entry
		for e, err := range l.Entries(got.Position) {
			if err != nil {
				t.Fatalf("Entries(%s): %v", got.Position, err)
			}
			last = e
		}
		if diff := cmp.Diff(got, last, cmp.AllowUnexported(Entry{}), cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "log" }, cmp.Ignore())); diff != "" {
			t.Errorf("%s: entry read differs from the one Append returned (-append +read):\n%s", tt.name, diff)
		}
		if body, err := last.Plain(); err != nil || !bytes.Equal(body, tt.plain) {
			t.Errorf("%s: Plain() = %q, %v; want %q", tt.name, body, err, tt.plain)
		}
	}
}

func TestPlainChecksWhatWasReceived(t *testing.T) {
	l := open(t, t.TempDir())
	for _, body := range [][]byte{gzipped(t, []byte("x")), []byte("x")} {
		e := mustAppend(t, l, header("a"), body)
		e.SHA256 = digest([]byte("y"))
		var damage *DamageError
		if plain, err := e.Plain(); !errors.As(err, &damage) {
			t.Errorf("Plain() of a body with another SHA-256 (%s) = %q, %v; want a *DamageError", e.Encoding, plain, err)
		}
	}
}

func TestLayoutAndModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "raw")
	l := open(t, dir)
	mustAppend(t, l, header("a"), nil)
	for path, want := range map[string]fs.FileMode{
		".": 0o700 | fs.ModeDir, "2026": 0o700 | fs.ModeDir, "2026/03": 0o700 | fs.ModeDir,
		"2026/03/0000000001.seg": 0o600, "lock": 0o600,
	} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("mode of %s = %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestAppendFillsRequestID(t *testing.T) {
	l := open(t, t.TempDir())
	a := mustAppend(t, l, header(""), nil)
	b := mustAppend(t, l, header(""), nil)
	if len(a.RequestID) != 26 || a.RequestID == b.RequestID || a.RequestID[:10] != b.RequestID[:10] {
		t.Errorf("request ids %q, %q; want two ULIDs of one time", a.RequestID, b.RequestID)
	}
	if _, err := l.Append(t.Context(), Header{}, nil); err == nil {
		t.Error("Append without AskedAt succeeded")
	}
}

func TestAppendCutsTimes(t *testing.T) {
	l := open(t, t.TempDir())
	h := header("a")
	h.AskedAt = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	want := time.Date(2026, 3, 1, 11, 0, 0, 123456000, time.UTC)
	if got := mustAppend(t, l, h, nil).AskedAt; got != want {
		t.Errorf("AskedAt %v became %v, want %v", h.AskedAt, got, want)
	}
}

// Whatever is appended through whichever handle reads back equal and in order,
// from the start and from every position, across segments and reopening.
func TestAppendsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		var handles [3]*Log
		for i := range handles {
			if handles[i], err = Open(dir); err != nil {
				rt.Fatal(err)
			}
			noSync(handles[i]).maxSegment = 2000
		}
		var ids, bodies []string
		var at []Position
		n := rapid.IntRange(0, 15).Draw(rt, "appends")
		for i := range n {
			k := rapid.IntRange(0, len(handles)-1).Draw(rt, "handle")
			if rapid.IntRange(0, 9).Draw(rt, "reopen") == 0 {
				handles[k].Close()
				if handles[k], err = Open(dir); err != nil {
					rt.Fatal(err)
				}
				noSync(handles[k]).maxSegment = 2000
			}
			body := rapid.SliceOfN(rapid.Byte(), 0, 1500).Draw(rt, "body")
			if bytes.HasPrefix(body, gzipMagic) {
				body = body[1:]
			}
			h := header(fmt.Sprint(i))
			h.AskedAt = h.AskedAt.Add(time.Duration(i) * time.Second)
			e, err := handles[k].Append(t.Context(), h, body)
			if err != nil {
				rt.Fatalf("Append(%d) through handle %d: %v", i, k, err)
			}
			ids, bodies, at = append(ids, h.RequestID), append(bodies, string(body)), append(at, e.Position)
		}
		for i, from := range append(at, Position{}) {
			skip := i % max(n, 1)
			if from == (Position{}) {
				skip = 0
			}
			gotIDs, gotBodies, err := read(handles[0], from)
			if err != nil {
				rt.Fatalf("Entries(%s): %v", from, err)
			}
			if diff := cmp.Diff(strings.Join(ids[skip:], " "), strings.Join(gotIDs, " ")); diff != "" {
				rt.Fatalf("Entries(%s) ids (-want +got):\n%s", from, diff)
			}
			if diff := cmp.Diff(bodies[skip:], gotBodies); len(gotBodies) > 0 && diff != "" {
				rt.Fatalf("Entries(%s) bodies (-want +got):\n%s", from, diff)
			}
		}
		for _, h := range handles {
			if err := h.Close(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// A crash may leave any prefix of the last append, or zeros in its place. Only
// that append is lost, and the log goes on.
func TestTornTail(t *testing.T) {
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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

// Readers wait for a group that is being written: they see it whole.
func TestReadersWaitForWriters(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	mustAppend(t, l, header("a"), nil)
	mustAppend(t, l, header("b"), nil)
	path := lastSegment(t, dir)
	whole, err := os.ReadFile(path)
	must(t, err)
	writer, err := openLock(dir)
	must(t, err)
	must(t, flock(writer, syscall.LOCK_EX))
	must(t, os.Truncate(path, int64(len(whole)-1)))
	started, got := make(chan bool), make(chan string)
	go func() {
		close(started)
		ids, _, err := read(l, Position{})
		got <- fmt.Sprint(ids, err)
	}()
	<-started
	for range 1000 {
		runtime.Gosched()
	}
	overwrite(t, path, whole)
	must(t, writer.Close())
	if s := <-got; s != "[a b] <nil>" {
		t.Errorf("Entries while a group was being written: %s, want both entries", s)
	}
}

// A group of appends goes to as many segments as it needs.
func TestGroupSpansSegments(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.maxSegment = 3000
	var group []*pending
	for i := range 30 {
		p, err := l.encode(header(fmt.Sprint(i)), nil)
		must(t, err)
		group = append(group, p)
	}
	l.writeGroup(group)
	n := 0
	for e, err := range l.Entries(Position{}) {
		must(t, err)
		if p := group[n]; p.err != nil || p.entry.Position != e.Position || p.entry.RequestID != e.RequestID {
			t.Errorf("entry %s at %s; append %d says %s at %s, %v", e.RequestID, e.Position, n, p.entry.RequestID, p.entry.Position, p.err)
		}
		n++
	}
	list, err := segments(dir)
	must(t, err)
	for _, s := range list {
		if info, err := os.Stat(s.path); err != nil || info.Size() > l.maxSegment {
			t.Errorf("%s: %v, %v; want at most %d bytes", s.path, info, err, l.maxSegment)
		}
	}
	if n != len(group) || len(list) < 5 {
		t.Errorf("%d entries in %d segments, want %d in several", n, len(list), len(group))
	}
}

// What was not made durable is not acknowledged, not left behind, and does not
// keep the log from going on.
func TestFailedSync(t *testing.T) {
	l := open(t, t.TempDir())
	mustAppend(t, l, header("a"), nil)
	broken := errors.New("no space left on device")
	l.fsync = func(*os.File) error { return broken }
	if _, err := l.Append(t.Context(), header("b"), nil); !errors.Is(err, broken) {
		t.Errorf("Append while fsync fails: %v, want %v", err, broken)
	}
	l.maxSegment = 1
	if _, err := l.Append(t.Context(), header("c"), nil); !errors.Is(err, broken) {
		t.Errorf("Append to a new segment while fsync fails: %v, want %v", err, broken)
	}
	l.fsync = (*os.File).Sync
	mustAppend(t, l, header("d"), nil)
	if ids, _, err := read(l, Position{}); err != nil || strings.Join(ids, " ") != "a d" {
		t.Errorf("Entries = %v, %v; want a d", ids, err)
	}
}

// What a process wrote that was killed before its fsync can be read, so whoever
// builds upon it makes it durable.
func TestSync(t *testing.T) {
	dir := t.TempDir()
	killed, l := noSync(open(t, dir)), open(t, dir)
	if err := l.Sync(); err != nil {
		t.Errorf("Sync of an empty log: %v", err)
	}
	e := mustAppend(t, killed, header("a"), nil)
	var synced []string
	l.fsync = func(f *os.File) error { synced = append(synced, f.Name()); return nil }
	if err := l.Sync(); err != nil || len(synced) != 1 || synced[0] != e.path {
		t.Errorf("Sync = %v, of %q; want %s durable", err, synced, e.path)
	}
	broken := errors.New("input/output error")
	l.fsync = func(*os.File) error { return broken }
	if err := l.Sync(); !errors.Is(err, broken) {
		t.Errorf("Sync while fsync fails: %v, want %v", err, broken)
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
	head[8] = versionCompacted + 1
	head = head[:segmentHeaderLen-4]
	sum := checksum(head)
	head = append(head, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
	f, err := os.OpenFile(lastSegment(t, dir), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(head, 0)
	must(t, errors.Join(err, f.Close()))
	var newer *VersionError
	if _, _, err := read(l, Position{}); !errors.As(err, &newer) || newer.Version != versionCompacted+1 {
		t.Errorf("Entries: %v; want a *VersionError of version %d", err, versionCompacted+1)
	}
	if _, err := open(t, dir).Append(t.Context(), header("b"), nil); !errors.As(err, &newer) {
		t.Errorf("Append: %v; want a *VersionError", err)
	}
}

// Appends at the same time are all there, once each, and share fsyncs without
// leaving anybody behind.
func TestConcurrentAppends(t *testing.T) {
	dir := t.TempDir()
	logs := []*Log{open(t, dir), open(t, dir)}
	for _, l := range logs {
		l.maxSegment = 20_000
	}
	const n = 200
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := logs[i%2].Append(t.Context(), header(fmt.Sprint(i)), []byte(fmt.Sprint("body ", i))); err != nil {
				t.Errorf("Append(%d): %v", i, err)
			}
		})
	}
	wg.Wait()
	ids, bodies, err := read(logs[0], Position{})
	if err != nil || len(ids) != n {
		t.Fatalf("Entries: %d entries, %v; want %d", len(ids), err, n)
	}
	seen := map[string]bool{}
	for i, id := range ids {
		if seen[id] || bodies[i] != "body "+id {
			t.Errorf("entry %s: seen before %t, body %q", id, seen[id], bodies[i])
		}
		seen[id] = true
	}
}

// A caller that gives up is answered with its context's error only if nothing
// was written for it.
func TestCancelledAppendsAreWrittenOrNot(t *testing.T) {
	l := open(t, t.TempDir())
	rng := rand.New(rand.NewPCG(3, 4))
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	refused := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 300 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(8000))*time.Microsecond)
		wg.Go(func() {
			defer cancel()
			id := fmt.Sprint(i)
			_, err := l.Append(ctx, header(id), []byte(id))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acknowledged[id] = true
			} else if errors.Is(err, context.DeadlineExceeded) {
				refused[id] = true
			} else {
				t.Errorf("Append(%s): %v", id, err)
			}
		})
	}
	wg.Wait()
	ids, _, err := read(l, Position{})
	if err != nil || len(ids) != len(acknowledged) {
		t.Errorf("Entries: %d entries, %v; %d were acknowledged", len(ids), err, len(acknowledged))
	}
	for _, id := range ids {
		if !acknowledged[id] || refused[id] {
			t.Errorf("entry %s: acknowledged %t, refused %t", id, acknowledged[id], refused[id])
		}
	}
}

func TestCloseWaitsAndRefuses(t *testing.T) {
	l, err := Open(t.TempDir())
	must(t, err)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := l.Append(t.Context(), header(fmt.Sprint(i)), nil); err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("Append(%d): %v; want success or ErrClosed", i, err)
			}
		})
	}
	must(t, l.Close())
	must(t, l.Close())
	wg.Wait()
	if _, err := l.Append(t.Context(), header("late"), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v, want ErrClosed", err)
	}
}

package raw

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// oneAfterTheOther marks a test of much in which nothing goes on beside anything else: the
// race detector would see nothing, at several times the price. make test runs it without.
func oneAfterTheOther(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("one thing after the other: make test runs it without the race detector")
	}
}

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

// open opens a log for tests that append very often and cut no power.
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
	return noSync(l)
}

// What packs and unpacks is one for all tests: to make it takes long under the race
// detector.
var (
	encoder    = sync.OnceValues(newEncoder)
	decoder    = sync.OnceValues(newDecoder)
	compressor = sync.OnceValues(newCompressor)
)

// noSync makes l not wait for the disk.
func noSync(l *Log) *Log {
	l.encoder, l.decoder, l.compressor = encoder, decoder, compressor
	l.Fsync = func(*os.File) error { return nil }
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
	oneAfterTheOther(t)
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

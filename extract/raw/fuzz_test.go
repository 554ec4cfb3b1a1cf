package raw

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Whatever is in a segment, reading it ends in entries that were whole or in a
// typed error; and if it can be appended to, the entries before are still there.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	l := open(f, dir)
	for _, body := range []string{"", "a body"} {
		if _, err := l.Append(f.Context(), header("a"), []byte(body)); err != nil {
			f.Fatal(err)
		}
	}
	whole, err := os.ReadFile(lastSegment(f, dir))
	if err != nil {
		f.Fatal(err)
	}
	sealed := prefix{magic: endMagic}.append(bytes.Clone(whole))
	for _, seed := range [][]byte{nil, whole, whole[:len(whole)/2], sealed, append(bytes.Clone(whole), make([]byte, 50)...), segmentHeader(1), segmentHeader(2)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, segment []byte) {
		dir := t.TempDir()
		month := filepath.Join(dir, "2026", "03")
		must(t, os.MkdirAll(month, 0o700))
		must(t, os.WriteFile(filepath.Join(month, "0000000001.seg"), segment, 0o600))
		l := open(t, dir)
		before := count(t, l)
		if _, err := l.Append(t.Context(), header("z"), gzipped(t, nil)); err != nil {
			checkTyped(t, err)
		} else if after := count(t, l); before >= 0 && after != before+1 {
			t.Errorf("%d entries before an append, %d after it", before, after)
		}
	})
}

// Whatever an index says, reading it ends in entries whose bodies lie in their
// spans or in an error.
func FuzzIndex(f *testing.F) {
	body := packed{span: 1, crc: 5, runs: []run{{3, 4}, {0, 2}}}
	entries := []Entry{
		{Header: header("a"), Next: Position{1, 100}, packed: &body},
		{Header: header("b"), Position: Position{1, 100}, Next: Position{1, 170}, packed: &packed{rejected: 2}},
	}
	s := compacted{spans: []span{{24, 10, 7, 1}}}
	s.original.sha256 = make([]byte, 32)
	f.Add(s.appendIndex(nil, entries))
	f.Add(s.appendIndex(nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var read compacted
		entries, err := read.parse(b, 1, 34)
		if err != nil {
			return
		}
		content := make([]byte, 1<<16)
		for _, e := range entries {
			if p := e.packed; p.span != 0 && read.spans[p.span-1].plain <= int64(len(content)) {
				for _, r := range p.runs {
					_ = content[r.start : r.start+r.length]
				}
			}
		}
	})
}

// Whatever content is, it comes back; whatever a span is, reading it ends.
func FuzzIDs(f *testing.F) {
	for _, s := range []string{"", "a-b", "\x00", "\x01\x00", "0123abcd-4567-89ef-0123-456789abcdef", `{"a":"0123abcd-4567-89ef-0123-456789abcdef"}`} {
		f.Add([]byte(s), int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, content []byte, length int64) {
		back, err := putIDs(takeIDs(content), int64(len(content)))
		if err != nil || !bytes.Equal(back, content) {
			t.Errorf("putIDs(takeIDs(%q)) = %q, %v", content, back, err)
		}
		if length >= 0 && length < 1<<20 {
			if b, err := putIDs(content, length); err == nil && int64(len(b)) != length {
				t.Errorf("putIDs(%q, %d) has %d bytes", content, length, len(b))
			}
		}
	})
}

// count returns the number of entries, or -1 if the log is damaged.
func count(t *testing.T, l *Log) (n int) {
	for e, err := range l.Entries(Position{}) {
		if err != nil {
			checkTyped(t, err)
			return -1
		}
		if _, err := e.Plain(); err != nil {
			checkTyped(t, err)
		}
		n++
	}
	return n
}

func checkTyped(t *testing.T, err error) {
	t.Helper()
	var damage *DamageError
	var newer *VersionError
	if !errors.As(err, &damage) && !errors.As(err, &newer) {
		t.Errorf("%v; want a *DamageError or a *VersionError", err)
	}
}

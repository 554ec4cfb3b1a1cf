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
		l := noSync(open(t, dir))
		before := count(t, l)
		if _, err := l.Append(t.Context(), header("z"), gzipped(t, nil)); err != nil {
			checkTyped(t, err)
		} else if after := count(t, l); before >= 0 && after != before+1 {
			t.Errorf("%d entries before an append, %d after it", before, after)
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

package raw

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A reader that is in the middle of a segment goes on when it is compacted.
func TestReadersGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 3, 8, 20<<10)
	want := tellAll(t, l, Position{})
	next, stop := iter.Pull2(open(t, dir).Entries(Position{}))
	defer stop()
	for i, w := range want {
		if i == len(want)/2 {
			compactAll(t, l, keepAll)
		}
		e, err, ok := next()
		if !ok || err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if diff := cmp.Diff(w, tell(t, e)); diff != "" {
			t.Fatalf("entry %d (-want +got):\n%s", i, diff)
		}
	}
}

// Only what is old enough is sealed, once, and nothing is lost to appenders of
// this or another process.
func TestSeal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, other := open(t, dir), open(t, dir)
	must(t, l.Seal(asked.Add(time.Hour))) // nothing there
	mustAppend(t, l, header("a"), nil)
	mustAppend(t, other, header("b"), nil)
	count := func(want int) {
		t.Helper()
		list, err := l.Segments()
		if err != nil || len(list) != want || !list[want-1].Last || list[0].Compacted {
			t.Fatalf("Segments: %+v, %v; want %d", list, err, want)
		}
	}
	must(t, l.Seal(asked))
	mustAppend(t, other, header("c"), nil)
	count(1)
	must(t, l.Seal(asked.Add(time.Second)))
	must(t, other.Seal(asked.Add(time.Second)))
	count(1)
	mustAppend(t, other, header("d"), nil)
	mustAppend(t, l, header("e"), nil)
	count(2)
	compactAll(t, other, keepAll)
	mustAppend(t, l, header("f"), nil)
	ids, _, err := read(l, Position{})
	if got := strings.Join(ids, " "); got != "a b c d e f" || err != nil {
		t.Errorf("entries %q, %v; want a to f", got, err)
	}
	must(t, l.Close())
	if err := l.Seal(asked); !errors.Is(err, ErrClosed) {
		t.Errorf("Seal of a closed log: %v, want %v", err, ErrClosed)
	}
}

// Sealing takes its turn among appends.
func TestSealAmongAppends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	done := make(chan error)
	const n = 40
	for i := range n {
		go func() {
			if i%4 == 0 {
				done <- l.Seal(asked.AddDate(1, 0, 0))
				return
			}
			_, err := l.Append(context.Background(), header(fmt.Sprint(i)), nil)
			done <- err
		}()
	}
	for range n {
		must(t, <-done)
	}
	ids, _, err := read(open(t, dir), Position{})
	if err != nil || len(ids) != n-n/4 {
		t.Errorf("%d entries, %v; want %d", len(ids), err, n-n/4)
	}
}

// The segment that was the last when a reader began is closed and compacted by
// another process before the reader comes to it.
func TestLastSegmentCompactedWhileReading(t *testing.T) {
	dir := t.TempDir()
	l, other := open(t, dir), open(t, dir)
	mustAppend(t, l, header("a"), []byte("{}"))
	must(t, l.Seal(asked.AddDate(1, 0, 0)))
	mustAppend(t, l, header("b"), []byte("{}"))
	var ids []string
	for e, err := range l.Entries(Position{}) {
		must(t, err)
		if ids = append(ids, e.RequestID); len(ids) == 1 {
			must(t, other.Seal(asked.AddDate(1, 0, 0)))
			mustAppend(t, other, header("c"), []byte("{}"))
			_, err := other.Compact(t.Context(), 2, keepAll)
			must(t, err)
		}
	}
	if got := strings.Join(ids, " "); got != "a b" {
		t.Errorf("Entries: %s, want a b, which were there when the reader began", got)
	}
}

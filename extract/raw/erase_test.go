package raw

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// erased erases and fails the test otherwise.
func erased(t *testing.T, l *Log, who string) []ErasedSegment {
	t.Helper()
	done, err := l.Erase(t.Context(), who, nil)
	if err != nil {
		t.Fatalf("Erase(%s): %v", who, err)
	}
	return done
}

// tellOthers is what the entries say of all who were not erased, and how many were.
func tellOthers(t *testing.T, l *Log, who string) (others []told, gone int) {
	t.Helper()
	for e, err := range l.Entries(Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		_, err := e.Plain()
		_, isErased := errors.AsType[*ErasedError](err)
		if isErased != e.Erased {
			t.Fatalf("entry %s: erased %v, Plain: %v", e.Position, e.Erased, err)
		}
		if isErased || e.ParticipantID == who {
			gone++
			continue
		}
		others = append(others, tell(t, e))
	}
	return others, gone
}

// Of whoever is erased nothing is left in any file of the log, as received, compacted or
// still open; of others every byte is, at the same positions; and appending goes on.
func TestErase(t *testing.T) {
	oneAfterTheOther(t)
	for _, how := range []string{"as received", "compacted", "half compacted", "erased, then compacted"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			l := hourly(t, dir, 3, 60, 40<<10)
			who := ""
			for e, err := range l.Entries(Position{}) {
				must(t, err)
				who = e.ParticipantID
			}
			end, _, err := l.end()
			must(t, err)
			switch how {
			case "compacted":
				compactAll(t, l, keepAll)
			case "half compacted":
				i := 0
				compactAll(t, l, func(Entry) Fate { i++; return Fate{Drop: i%2 == 0} })
			}
			want, n := tellOthers(t, l, who)
			must(t, os.WriteFile(lastSegment(t, dir)+".compacting", []byte("of a process that died"), 0o600))
			done := erased(t, l, who)
			if how == "erased, then compacted" {
				compactAll(t, l, keepAll)
			}
			got, gone := tellOthers(t, l, who)
			if gone != n || n == 0 || len(done) < 2 {
				t.Errorf("%d entries erased in %d segments, want the %d of %s in several", gone, len(done), n, who)
			}
			if !slices.EqualFunc(got, want, func(a, b told) bool { return a.Body == b.Body && a.Header == b.Header && a.Position == b.Position }) {
				t.Errorf("%d answers of others differ from the %d before", len(got), len(want))
			}
			if now, _, err := l.end(); err != nil || now.Segment != end.Segment+1 {
				t.Errorf("the log ends at %s, %v; want in a segment after %s", now, err, end)
			}
			if again := erased(t, l, who); len(again) > 0 {
				t.Errorf("erased again: %+v, want that nothing is left to do", again)
			}
			if left, err := l.Leftovers(t.Context()); err != nil || len(left) > 0 {
				t.Errorf("Leftovers = %v, %v; want none", left, err)
			}
			must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				content, err := os.ReadFile(path)
				if bytes.Contains(content, []byte(`"`+who+`"`)) || strings.HasSuffix(path, "ing") {
					t.Errorf("%s is there, or has %s", path, who)
				}
				return err
			}))
			mustAppend(t, l, header("after"), []byte("{}"))
		})
	}
}

// Who has an entry in hand while its segment is replaced finds its body, or that it was
// erased.
func TestErasedWhileReading(t *testing.T) {
	for _, compacted := range []bool{false, true} {
		l := hourly(t, t.TempDir(), 2, 30, 40<<10)
		if compacted {
			compactAll(t, l, keepAll)
		}
		var entries []Entry
		for e, err := range l.Entries(Position{}) {
			must(t, err)
			entries = append(entries, e)
		}
		who := entries[0].ParticipantID
		erased(t, l, who)
		for _, e := range entries {
			_, err := e.Plain()
			if _, gone := errors.AsType[*ErasedError](err); gone != (e.ParticipantID == who) || err != nil && !gone {
				t.Fatalf("compacted %v: Plain of %s's %s: %v", compacted, e.ParticipantID, e.Position, err)
			}
		}
	}
}

// What is left of an erased body is found.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	l := hourly(t, dir, 2, 30, 40<<10)
	erased(t, l, "P000")
	for e, err := range l.Entries(Position{}) {
		must(t, err)
		if !e.Erased {
			continue
		}
		content, err := os.ReadFile(e.path)
		must(t, err)
		content[e.Next.Offset-1] = 1
		sum := checksum(content[e.Next.Offset-e.Stored : e.Next.Offset])
		p, _ := parsePrefix(content[e.Position.Offset:])
		p.bodyCRC = sum
		copy(content[e.Position.Offset:], p.append(nil))
		must(t, os.WriteFile(e.path, content, 0o600))
		if left, err := l.Leftovers(t.Context()); err != nil || !slices.Equal(left, []string{e.path}) {
			t.Errorf("Leftovers = %v, %v; want %s", left, err, e.path)
		}
		return
	}
	t.Fatal("nothing was erased")
}

package raw

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Verify finds a flipped bit wherever it is, a cut, a missing and a swapped segment, and
// goes on with the segments behind it.
func TestVerifyFindsDamage(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 2, 60, 8<<10)
	segments, err := filepath.Glob(filepath.Join(dir, "*/*/*.seg"))
	must(t, err)
	slices.SortFunc(segments, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	if len(segments) < 4 {
		t.Fatalf("%d segments, want several", len(segments))
	}
	if _, err := l.Compact(t.Context(), 2, keepAll); err != nil {
		t.Fatal(err)
	}
	faults := func() (found []string, done Verified) {
		done, err := l.Verify(t.Context(), func(e *DamageError) { found = append(found, e.File) })
		must(t, err)
		return found, done
	}
	if found, done := faults(); len(found) > 0 || done.Segments != len(segments) || done.Answers != 121 {
		t.Fatalf("a sound log: %q, %+v; want %d segments of 121 answers", found, done, len(segments))
	}
	chance := rand.New(rand.NewPCG(5, 5))
	for _, path := range segments[:3] { // the last one may be torn
		whole, err := os.ReadFile(path)
		must(t, err)
		harms := map[string][]byte{"cut": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 0)}
		other, err := os.ReadFile(segments[3])
		must(t, err)
		harms["swapped"] = other
		for range 60 {
			flipped := bytes.Clone(whole)
			flipped[chance.IntN(len(flipped))] ^= 1 << chance.IntN(8)
			harms["flipped "+string(rune('0'+len(harms)))] = flipped
		}
		for name, harmed := range harms {
			must(t, os.WriteFile(path, harmed, 0o600))
			if found, done := faults(); len(found) != 1 || found[0] != path || done.Segments != len(segments) {
				t.Errorf("%s %s: found %q in %d segments", path, name, found, done.Segments)
			}
		}
		must(t, os.Remove(path))
		if found, _ := faults(); len(found) != 1 || !strings.HasSuffix(found[0], ".seg") {
			t.Errorf("%s gone: found %q", path, found)
		}
		must(t, os.WriteFile(path, whole, 0o600))
	}
}

// Behind a damaged body it goes on with the next answer; behind a damaged header it does not,
// and says so.
func TestVerifyGoesOnInSegment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 2, 20, 1<<20)
	var entries []Entry
	others := 0 // in other segments
	for e, err := range l.Entries(Position{}) {
		must(t, err)
		if entries = append(entries, e); e.Path() != entries[0].Path() {
			others++
		}
	}
	path := entries[0].Path()
	whole, err := os.ReadFile(path)
	must(t, err)
	harm := func(at ...int64) (found, answers, unread int) {
		content := bytes.Clone(whole)
		for _, i := range at {
			content[i] ^= 4
		}
		must(t, os.WriteFile(path, content, 0o600))
		done, err := l.Verify(t.Context(), func(*DamageError) { found++ })
		must(t, err)
		return found, done.Answers, done.Unread
	}
	body := func(i int) int64 { return entries[i].Next.Offset - entries[i].Stored/2 }
	all := len(entries)
	if found, answers, unread := harm(body(1), body(5), body(9)); found != 3 || answers != all-3 || unread != 0 {
		t.Errorf("three bodies: found %d, %d of %d answers, %d segments not to their ends", found, answers, all, unread)
	}
	if found, answers, unread := harm(body(1), entries[5].Position.Offset); found != 2 || answers != 4+others || unread != 1 {
		t.Errorf("a body and a prefix behind it: found %d, %d of %d answers, %d segments not to their ends", found, answers, all, unread)
	}
}

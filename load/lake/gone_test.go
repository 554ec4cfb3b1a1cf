package lake

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Numbers beside each other are one range, and one that is taken back splits it.
func TestGoneRanges(t *testing.T) {
	var g Gone
	at := func(n int64) time.Time { return time.Unix(n, 0).UTC() }
	for _, n := range []int64{5, 3, 4, 9, 1, 4} {
		g.add(n, GoneCollected, at(n))
	}
	g.add(10, GoneErased, at(10))
	want := []GoneRange{{1, 1, GoneCollected, at(1)}, {3, 5, GoneCollected, at(5)}, {9, 9, GoneCollected, at(9)}, {10, 10, GoneErased, at(10)}}
	if !slices.Equal(g.Ranges, want) {
		t.Errorf("%v, want %v", g.Ranges, want)
	}
	g.forget(4)
	g.forget(1)
	want = []GoneRange{{3, 3, GoneCollected, at(5)}, {5, 5, GoneCollected, at(5)}, {9, 9, GoneCollected, at(9)}, {10, 10, GoneErased, at(10)}}
	if !slices.Equal(g.Ranges, want) {
		t.Errorf("%v, want %v", g.Ranges, want)
	}
	for n, want := range map[int64]bool{2: false, 3: true, 4: false, 10: true, 11: false} {
		if _, is := g.Of(n); is != want {
			t.Errorf("Of(%d) = %v", n, is)
		}
	}
}

// A list that was changed is damage, and one of a newer program is refused.
func TestGoneDamaged(t *testing.T) {
	l := locked(t)
	grown(t, l, 3)
	if _, err := l.Remove(numbers(1, 1), GoneCollected, nil); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(l.Path(), GoneFile)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range content {
		changed := slices.Clone(content)
		changed[i] ^= 1
		if err := errors.Join(os.Remove(name), os.WriteFile(name, changed, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Gone(); !isA[*DamageError](err) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for what, other := range map[string]any{
		"receipt": map[string]any{"format": goneFormat + 1, "participant_id": "P001"},
		"tag":     Tag{Format: TagFormat, Name: "paper", Snapshot: "1"},
	} {
		changed, err := Sealed(other)
		if err := errors.Join(err, os.WriteFile(name, changed, 0o600)); err != nil {
			t.Fatal(err)
		}
		if g, err := l.Gone(); !isA[*DamageError](err) || g.Format != 0 {
			t.Errorf("a %s in its place: %+v, %v", what, g, err)
		}
	}
	if _, err := l.Remove(numbers(2, 2), GoneCollected, nil); !isA[*DamageError](err) {
		t.Errorf("Remove: %v", err)
	}
	if err := l.Sweep(); err != nil {
		t.Errorf("Sweep: %v", err)
	}
	newer := sealed([]byte("{\n \"format\": 2,\n \"gone\": []"))
	if err := os.WriteFile(name, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Gone(); !isA[*VersionError](err) {
		t.Errorf("newer: %v", err)
	}
}

// A list written anew has every number that nothing else accounts for, and no other: neither
// one that is set aside, unless it was issued again, which an erasure did, nor one that a tag
// names, which is lost and may come back.
func TestGoneAnew(t *testing.T) {
	if err := open(t).GoneAnew(); !errors.Is(err, ErrNotLocked) {
		t.Errorf("GoneAnew without the lock: %v", err)
	}
	l := locked(t)
	grown(t, l, 5)
	for _, n := range []int64{2, 4} {
		sum, m, err := l.ManifestSHA256(ID{Number: n})
		if err != nil {
			t.Fatal(err)
		}
		if n == 4 {
			if _, err := l.Begin(m).Reissue(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		} else if err := l.PutTag(Tag{Name: "paper", Snapshot: "2", ManifestSHA256: sum}, false); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int64{3, 4} {
		if err := l.SetAside(n, "damaged", "test"); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int64{1, 2} {
		if err := os.Remove(filepath.Join(l.Path(), manifestPath(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.GoneAnew(); err != nil {
		t.Fatal(err)
	}
	gone, err := l.Gone()
	var listed []int64
	for n := int64(1); n <= 6; n++ {
		if r, is := gone.Of(n); is {
			listed = append(listed, n)
			if want := map[int64]string{1: GoneUnknown, 4: GoneErased}[n]; r.Why != want {
				t.Errorf("%d is gone because of %q, want %q", n, r.Why, want)
			}
		}
	}
	if want := []int64{1, 4}; err != nil || !slices.Equal(listed, want) {
		t.Errorf("%v are listed, %v; want %v", listed, err, want)
	}
}

// That a number was issued again says that its manifest went: an older list, or none, does not
// take it for lost, and the next one that is written has it.
func TestGoneOlder(t *testing.T) {
	l := locked(t)
	grown(t, l, 4)
	m, err := l.Manifest(2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(m).Reissue(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if g, err := l.Gone(); err != nil || len(g.Ranges) > 0 {
		t.Errorf("while both are there: %v, %v", g.Ranges, err)
	}
	if _, err := l.Remove(numbers(1, 2), GoneErased, nil); err != nil {
		t.Fatal(err)
	}
	for _, older := range []Gone{{}, {Ranges: []GoneRange{{1, 1, GoneCollected, time.Unix(1, 0).UTC()}}}} {
		if err := l.putGone(older); err != nil {
			t.Fatal(err)
		}
		g, err := l.Gone()
		if r, _ := g.Of(2); err != nil || r.Why != GoneErased || r.First != 2 || r.At.IsZero() {
			t.Errorf("beside %v: %v, %v", older.Ranges, g.Ranges, err)
		}
	}
	if _, err := l.Remove(numbers(3, 3), GoneCollected, nil); err != nil {
		t.Errorf("a collection beside an older list: %v", err)
	}
	g, err := l.readGone()
	if r, _ := g.Of(2); err != nil || r.Why != GoneErased {
		t.Errorf("written anew: %v, %v", g.Ranges, err)
	}
}

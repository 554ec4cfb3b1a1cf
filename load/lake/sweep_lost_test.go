package lake

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A removal that was broken off is not ended while a manifest is lost: it may come back, and
// want any file.
func TestSweepBesideLost(t *testing.T) {
	lost := func(t *testing.T, l *Lake, path string) {
		if err := os.Remove(filepath.Join(l.Path(), path)); err != nil {
			t.Fatal(err)
		}
	}
	tagged := func(t *testing.T, l *Lake, id ID) {
		sum, _, err := l.ManifestSHA256(id)
		if err == nil {
			err = l.PutTag(Tag{Name: "paper", Snapshot: id.String(), ManifestSHA256: sum}, false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		lose func(t *testing.T, l *Lake)
		ends bool
	}{
		"nothing":  {func(t *testing.T, l *Lake) { tagged(t, l, ID{Number: 3}) }, true},
		"a number": {func(t *testing.T, l *Lake) { lost(t, l, manifestPath(3)) }, false},
		"of a tag, set aside": {func(t *testing.T, l *Lake) {
			tagged(t, l, ID{Number: 3})
			if err := l.SetAside(3, "damaged", "test"); err != nil {
				t.Fatal(err)
			}
		}, false},
		"of a tag, issued again": {func(t *testing.T, l *Lake) {
			m, err := l.Manifest(1)
			if err == nil {
				m, err = l.Begin(m).Reissue(t.Context(), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			tagged(t, l, m.ID())
			lost(t, l, m.ID().path())
		}, false},
		"a tag": {func(t *testing.T, l *Lake) {
			tagged(t, l, ID{Number: 3})
			if err := errors.Join(os.Remove(filepath.Join(l.Path(), tagPath("paper"))), os.WriteFile(filepath.Join(l.Path(), tagPath("paper")), []byte("{}"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := locked(t)
			grown(t, l, 5)
			c.lose(t, l)
			if err := l.putGone(Gone{Ranges: []GoneRange{{1, 1, GoneErased, time.Time{}}}, Removing: []string{"1"}}); err != nil {
				t.Fatal(err)
			}
			before := onDisk(t, l)
			if err := l.Sweep(); err != nil {
				t.Fatal(err)
			}
			gone, err := l.Gone()
			if ended := len(gone.Removing) == 0; err != nil || ended != c.ends || (onDisk(t, l) < before) != c.ends {
				t.Errorf("left to remove: %v, %v; files: %d of %d", gone.Removing, err, onDisk(t, l), before)
			}
		})
	}
}

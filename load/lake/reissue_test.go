package lake

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dexetl/dexetl/extract/raw"
)

// A manifest that was issued of the same one for another reason is not what is asked for:
// it may have what had to go. The same one again is.
func TestReissueBesideAnother(t *testing.T) {
	l := locked(t)
	grown(t, l, 2)
	m := current(t, l)
	chance := rand.New(rand.NewPCG(8, 8))
	file := func() File {
		c := l.Begin(m)
		return write(t, c, tableNamed(t, "runs"), some(tableNamed(t, "runs"), 2, chance))
	}
	reissue := func(held []HeldAnswer, f File) Manifest {
		c := l.Begin(m)
		c.Replace(m.TableFiles("runs"), f)
		again, err := c.Reissue(t.Context(), held)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	one, other := file(), file()
	held := []HeldAnswer{{RequestID: "R1", Position: raw.Position{Segment: 1}, Reason: "x"}}
	for i, c := range []struct {
		held []HeldAnswer
		file File
		want int
	}{{nil, one, 1}, {nil, one, 1}, {nil, other, 2}, {held, other, 3}, {nil, other, 2}, {held, other, 3}} {
		got := reissue(c.held, c.file)
		if got.Reissue != c.want || len(got.Held) != len(c.held) || !slices.ContainsFunc(got.Files, func(f File) bool { return f.Path == c.file.Path }) {
			t.Errorf("%d: %s with %v, want issue %d of %s", i, got.ID(), got.Files, c.want, c.file.Path)
		}
		if there, err := l.ManifestOf(got.ID()); err != nil || !there.saysAs(got) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// One that stands for a manifest that stood for another names both, as a paper may name either.
func TestReissueOfReissue(t *testing.T) {
	l := locked(t)
	grown(t, l, 1)
	m := current(t, l)
	var want []string
	for issue := 1; issue <= 3; issue++ {
		sum, _, err := l.ManifestSHA256(m.ID())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, sum)
		if m, err = l.Begin(m).Reissue(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		there, err := l.ManifestOf(m.ID())
		if err != nil || there.Reissue != issue || !slices.Equal(there.Replaced(), want) {
			t.Errorf("issue %d stands for %v, %v; want %v", issue, there.Replaced(), err, want)
		}
	}
}

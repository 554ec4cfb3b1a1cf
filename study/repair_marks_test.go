package study

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// A file that is whole again is marked for the snapshots that go around it, and no others.
func TestMarkFile(t *testing.T) {
	s := open(t, nil)
	l, err := lake.Open(s.LakePath())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Unlock()
	f := lake.File{Table: "runs", Path: "data/runs.parquet", Bytes: 4, Rows: 1, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("rows")))}
	if err := l.Root().WriteFile(f.Path, []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	var m lake.Manifest
	for _, damaged := range []string{"", "it was gone", "", "it was gone"} {
		c := l.Begin(m)
		f.Damaged = damaged
		c.Replace(m.Files, f)
		if m, err = c.Finish(t.Context(), lake.Manifest{Run: "run"}); err != nil {
			t.Fatal(err)
		}
	}
	r, marks := repair{loading: &loading{study: s, lake: l}}, make(map[int64]*lake.Mark)
	still, err := r.markFile(t.Context(), Damage{Kind: DataDamage, Path: f.Path, Err: fmt.Errorf("it was gone"), First: 1, Last: 4}, marks)
	if got := slices.Sorted(maps.Keys(marks)); err != nil || !still || !slices.Equal(got, []int64{2, 4}) {
		t.Errorf("marked %v, still damaged %v, %v; want 2, 4", got, still, err)
	}
}

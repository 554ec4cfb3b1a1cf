package study

import (
	"testing"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// A commit has news if it folded answers that were not in the lake, and was no replay.
func TestHasNews(t *testing.T) {
	store, err := state.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := &Study{Store: store}
	l, err := lake.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	begun := func(command string) string {
		r, err := store.StartRun(t.Context(), command, "", "v1")
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	at, replay, repair := raw.Position{Segment: 1, Offset: 100}, begun("replay"), begun("repair")
	for _, tt := range []struct {
		name         string
		before, run  string
		from         raw.Position
		owed         bool
		news, replay bool
	}{
		{"a sync that folded answers", "", begun("sync"), raw.Position{Segment: 1}, false, true, false},
		{"a sync that folded none, or a changed roster on its behalf", "", begun("sync"), at, false, false, false},
		{"a replay", "", replay, raw.Position{Segment: 1}, false, false, true},
		{"a replay of the same answers", "", begun("replay"), at, false, false, true},
		{"a changed roster in the name of a replay", replay, replay, at, false, false, false},
		{"what a repair folds after its first commit", repair, repair, raw.Position{Segment: 1}, false, false, true},
		{"a repair of what nobody was told of", "", repair, raw.Position{Segment: 1}, true, true, true},
		{"a run that nobody knows any more", "", "R", raw.Position{}, false, true, false},
	} {
		n := News{study: s, lake: l, owed: tt.owed, before: lake.Manifest{LogPosition: tt.from, Run: tt.before}, is: lake.Manifest{LogPosition: at, Run: tt.run}}
		if err := n.weigh(t.Context()); err != nil || n.HasNews != tt.news || n.Replay != tt.replay {
			t.Errorf("%s: news %t, replay %t, %v", tt.name, n.HasNews, n.Replay, err)
		}
	}
}

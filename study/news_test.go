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
	begun := func(command string) string {
		r, err := store.StartRun(t.Context(), command, "", "v1")
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	at := raw.Position{Segment: 1, Offset: 100}
	for _, tt := range []struct {
		name string
		run  string
		from raw.Position
		want bool
	}{
		{"a sync that folded answers", begun("sync"), raw.Position{Segment: 1}, true},
		{"a sync that folded none, or a changed roster on its behalf", begun("sync"), at, false},
		{"a replay", begun("replay"), raw.Position{Segment: 1}, false},
		{"a replay of the same answers", begun("replay"), at, false},
		{"a run that nobody knows any more", "R", raw.Position{}, true},
	} {
		got, err := s.hasNews(t.Context(), lake.Manifest{LogPosition: tt.from}, lake.Manifest{LogPosition: at, Run: tt.run})
		if err != nil || got != tt.want {
			t.Errorf("%s: news %t, %v; want %t", tt.name, got, err, tt.want)
		}
	}
}

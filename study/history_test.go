package study

import (
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Runs know their snapshots around one whose manifest was set aside.
func TestRunsAroundAManifestAside(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s := open(t, func() time.Time { return clock })
	run, err := s.Store.StartRun(t.Context(), "sync", "", "v1")
	check(t, err)
	_, l := s.startLoading(t)
	l.runID = run.ID
	for _, id := range []string{"P001", "P002", "P003", "P004"} {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id}))
		check(t, l.load(t.Context()))
		clock = clock.Add(time.Hour)
	}
	for _, tt := range []struct {
		aside int64
		want  []int64
	}{{2, []int64{1, 3, 4}}, {1, []int64{3, 4}}} {
		check(t, l.lake.SetAside(tt.aside, "a flipped bit", "v1"))
		past, damage, err := s.Runs(t.Context(), "", 0)
		if err != nil || damage != nil || len(past) != 1 || !slices.Equal(past[0].Snapshots, tt.want) {
			t.Errorf("with %d set aside: %+v, damage %v, %v; want snapshots %v", tt.aside, past, damage, err, tt.want)
		}
	}
}

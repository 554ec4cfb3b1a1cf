//go:build linux || darwin

package report

import (
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
)

// Whose silence is the longest comes first among those of the same need, and nobody else
// moves.
func TestLongestSilenceFirst(t *testing.T) {
	one := func(id string, phase study.Phase, silent time.Duration) person {
		p := study.Person{Who: cohort.Participant{ID: id}, Phase: phase}
		if silent > 0 {
			p.Held = study.Holdings{"egvs": {Newest: dayOne.Add(-silent)}}
		}
		return person{Person: p}
	}
	people := []person{
		one("A", study.Unrecorded, time.Hour), one("B", study.Undated, 9*time.Hour), one("C", study.Unrecorded, 3*time.Hour), one("D", study.Unrecorded, 0),
		one("E", study.Over, time.Hour), one("F", study.Over, 5*time.Hour), one("G", study.Paused, time.Hour), one("H", study.Paused, 2*time.Hour),
	}
	longestSilenceFirst(people)
	var ids []string
	for _, p := range people {
		ids = append(ids, p.Who.ID)
	}
	if want := []string{"D", "C", "A", "B", "E", "F", "H", "G"}; !slices.Equal(ids, want) {
		t.Errorf("the order is %q, want %q", ids, want)
	}
}

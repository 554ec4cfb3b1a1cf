package study

import (
	"slices"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// Nothing is shown of whom the state has forgotten that they left, or how the roster has them.
// A row of the roster that was edited keeps nobody's data back, unless it says that they were
// deleted.
func TestUnremembered(t *testing.T) {
	list := []cohort.Forgotten{
		{Subject: "participant", ParticipantID: "P006", Edited: true, Deleted: true},
		{Subject: "withdrawal", ParticipantID: "P001"},
		{Subject: state.ErasureSubject, ParticipantID: "P002"},
		{Subject: "withdrawal", ParticipantID: "P002"},
		{Subject: "participant", ParticipantID: "P003"},
		{Subject: "participant", ParticipantID: "P004", Edited: true},
		{Subject: "window", ParticipantID: "P005"},
	}
	u := unremembered(list)
	if want := []string{"P001", "P002", "P003", "P006"}; !slices.Equal(u.IDs, want) || !slices.Equal(u.Erased, []string{"P002"}) || u.Err == nil {
		t.Errorf("of %q nothing is shown, erased are %q, %v; want %q", u.IDs, u.Erased, u.Err, want)
	}
	if u := unremembered(list[5:6]); len(u.IDs) > 0 || u.Err != nil {
		t.Errorf("an edited row: %+v", u)
	}
	if u := unremembered(list[:1]); len(u.IDs) != 1 || u.Err == nil {
		t.Errorf("somebody who was deleted: %+v", u)
	}
}

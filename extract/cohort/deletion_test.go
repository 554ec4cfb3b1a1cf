package cohort

import (
	"errors"
	"testing"
	"time"
)

// Who was deleted is paused, and comes back as they were.
func TestDelete(t *testing.T) {
	c, clock := newPeople(t, "P001", "P002")
	at := clock.now()
	must(t, c.SetPaused(t.Context(), "P002", true))
	for id, wasPaused := range map[string]bool{"P001": false, "P002": true} {
		must(t, c.Delete(t.Context(), id))
		clock.add(time.Hour)
		must(t, c.Delete(t.Context(), id)) // which changes nothing
		p, err := c.Participant(t.Context(), id)
		if err != nil || !p.Paused || !p.Deleted() || p.DeletedAt.Sub(at) > time.Hour {
			t.Errorf("%s deleted: %+v, %v", id, p, err)
		}
		must(t, c.Undelete(t.Context(), id))
		p, err = c.Participant(t.Context(), id)
		if err != nil || p.Paused != wasPaused || p.Deleted() {
			t.Errorf("%s undeleted: %+v, %v", id, p, err)
		}
		if e, ok := errors.AsType[*DeletionError](c.Undelete(t.Context(), id)); !ok || !e.DeletedAt.IsZero() {
			t.Errorf("%s undeleted twice", id)
		}
	}
	if _, ok := errors.AsType[*UnknownParticipantError](c.Delete(t.Context(), "P009")); !ok {
		t.Error("a stranger was deleted")
	}
}

// A pause that somebody types meanwhile is not lifted by undoing the deletion.
func TestPausedWhileDeleted(t *testing.T) {
	c, _ := newPeople(t, "P001")
	must(t, c.Delete(t.Context(), "P001"))
	must(t, c.SetPaused(t.Context(), "P001", true))
	must(t, c.Undelete(t.Context(), "P001"))
	if p, err := c.Participant(t.Context(), "P001"); !p.Paused || p.Deleted() || err != nil {
		t.Errorf("undeleted: %+v, %v; want paused", p, err)
	}
}

func TestDeleteCannotBeUndoneForEver(t *testing.T) {
	c, clock := newPeople(t, "P001")
	must(t, c.Delete(t.Context(), "P001"))
	clock.add(Undoable)
	if e, ok := errors.AsType[*DeletionError](c.Undelete(t.Context(), "P001")); !ok || e.DeletedAt.IsZero() {
		t.Error("undone after 7 days")
	}
	must(t, c.SetPaused(t.Context(), "P001", false)) // as the study team may
	if p, err := c.Participant(t.Context(), "P001"); p.Deleted() || p.Paused || err != nil {
		t.Errorf("resumed: %+v, %v", p, err)
	}
}

// A state that has forgotten a deletion is told by the trail.
func TestForgottenDeletion(t *testing.T) {
	c, _ := newPeople(t, "P001")
	must(t, c.Delete(t.Context(), "P001"))
	if found, err := c.Forgotten(t.Context(), nil, noGrants); len(found) != 0 || err != nil {
		t.Errorf("forgotten: %v, %v", found, err)
	}
	if _, err := c.Store.Exec(t.Context(), "delete from deletions"); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Forgotten(t.Context(), nil, noGrants); len(found) != 1 || err != nil {
		t.Errorf("forgotten: %v, %v", found, err)
	}
}

func TestEdit(t *testing.T) {
	c, _ := newPeople(t, "P001")
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	must(t, c.Edit(t.Context(), "P001", func(p *Participant) { p.Timezone, p.StudyStart = "Europe/Berlin", day }))
	must(t, c.Edit(t.Context(), "P001", func(*Participant) {}))
	p, err := c.Participant(t.Context(), "P001")
	if err != nil || p.Timezone != "Europe/Berlin" || !p.StudyStart.Equal(day) {
		t.Errorf("edited: %+v, %v", p, err)
	}
	for _, do := range []func(*Participant){
		func(p *Participant) { p.Timezone = "Mars/Olympus" },
		func(p *Participant) { p.StudyEnd = day.AddDate(0, 0, -1) },
	} {
		if _, ok := errors.AsType[*LineError](c.Edit(t.Context(), "P001", do)); !ok {
			t.Error("taken, though the roster would refuse it")
		}
	}
	if lines, err := c.Store.Trail(t.Context()); err != nil || len(lines) != 2 {
		t.Errorf("%d lines in the trail, %v; want that P001 was added and edited", len(lines), err)
	}
}

func newPeople(t *testing.T, ids ...string) (*Cohort, *clock) {
	t.Helper()
	c, clock := newStore(t)
	for _, id := range ids {
		must(t, c.AddParticipant(t.Context(), Participant{ID: id}))
	}
	return c, clock
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

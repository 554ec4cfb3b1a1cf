package access

import (
	"testing"
	"time"
)

// Eight refreshes an hour of each participant, and the next when the first is an hour old.
func TestRefreshes(t *testing.T) {
	t.Parallel()
	s, c := newStore(t)
	addPeople(t, s, "P001", "P002")
	r := Refreshes{s}
	take := func(id string, want time.Duration) {
		t.Helper()
		if got, err := r.Take(t.Context(), id); got != want || err != nil {
			t.Errorf("wait for %s = %v, %v, want %v", id, got, err, want)
		}
	}
	for range RefreshesOf {
		take("P001", 0)
		c.add(time.Minute)
	}
	for range 3 {
		take("P001", 52*time.Minute)
	}
	take("P002", 0)
	c.add(52 * time.Minute)
	take("P001", 0)
	take("P001", time.Minute)
	c.add(-24 * time.Hour) // the clock was ahead
	take("P001", 0)
}

func TestAbout(t *testing.T) {
	t.Parallel()
	s, c := newStore(t)
	addPeople(t, s, "P001", "P002")
	ids, first := Identities{s}, c.now()
	if _, err := ids.User(t.Context(), "P001"); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, err := range []error{ids.ZoneSet(t.Context(), "P002"), ids.StartAssumed(t.Context(), "P002", day)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if days, err := ids.Assumed(t.Context()); err != nil || len(days) != 1 || days["P002"] != "2026-01-02" {
		t.Errorf("assumed: %v, %v", days, err)
	}
	all, err := ids.AboutAll(t.Context(), []string{"P001", "P002"})
	if err != nil {
		t.Fatal(err)
	}
	if a := all["P001"]; !a.CreatedAt.Equal(first) || !a.ZoneAt.IsZero() {
		t.Errorf("P001: %+v", a)
	}
	if a := all["P002"]; !a.CreatedAt.Equal(c.now()) || !a.ZoneAt.Equal(c.now()) || a.User == all["P001"].User {
		t.Errorf("P002: %+v", a)
	}
}

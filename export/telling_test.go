//go:build linux || darwin

package export

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"
)

// Whoever hands an export over is told of how many people the weeks can be counted back.
func TestTelling(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	w := &work{Order: Order{Deid: true, ShiftWeeks: 52}, db: db, people: make([]person, 3)}
	w.manifest.CreatedAt = time.Date(2031, 4, 2, 0, 0, 0, 0, time.UTC)
	check(t, w.execute(t.Context(), "create schema export", "create table export.people as from (values ('A'), ('B'), ('C')) t(participant_id)",
		"create table participants as from (values ('A', date '2031-03-01'), ('B', date '2031-03-01'), ('C', date '2031-03-02'), ('D', date '2031-03-02'), ('E', date '2031-03-02')) t(participant_id, anchor_date)",
		`create table glucose as from (values
			('A', timestamp '2031-03-30 00:55:00', timestamp '2031-03-30 01:57:00'), ('A', timestamp '2031-03-30 01:00:00', timestamp '2031-03-30 03:02:00'),
			('B', timestamp '2031-03-20 00:55:00', timestamp '2031-03-20 01:57:00'), ('B', timestamp '2031-03-20 01:00:00', timestamp '2031-03-20 02:05:00'),
			('D', timestamp '2031-03-30 00:55:00', timestamp '2031-03-30 01:57:00')) t(participant_id, time_utc, local_time)`))
	got, err := w.telling(t.Context())
	if want := (Telling{Recording: 1, ClockChanges: 1, SameAnchor: 2}); err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	check(t, w.execute(t.Context(), "update participants set anchor_date = anchor_date + 7 where participant_id = 'A'"))
	if got, err := w.telling(t.Context()); err != nil || got.SameAnchor != 0 {
		t.Errorf("each with an anchor_date of their own: %+v %v", got, err)
	}
	w.ShiftWeeks = 0
	if got, err := w.telling(t.Context()); err != nil || !got.None() {
		t.Errorf("of times that stay: %+v %v", got, err)
	}
}

// A window is alike for many if a third of those who have it share a date: not if a few began
// on one day by chance.
func TestWindowsAlikeForMany(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	w := &work{db: db}
	check(t, w.execute(t.Context(), `create table windows (participant_id varchar, window_name varchar, "window" varchar, start_date date, end_date date)`))
	for name, days := range map[string][]int{"all": {1, 1}, "but one": {1, 1, 2}, "halves": {1, 1, 2, 2}, "chance": {1, 1, 2, 3, 4, 5, 6}, "own": {1, 2}, "one": {1}} {
		for i, day := range days {
			check(t, w.execute(t.Context(), fmt.Sprintf("insert into windows values ('P%d', '%s', 'w', date '2031-03-%02d', date '2031-04-%02d')", i, name, day, i+1),
				fmt.Sprintf("insert into windows values ('P%d', '%s, last', 'w', null, date '2031-03-%02d')", i, name, day)))
		}
	}
	got, err := w.texts(t.Context(), "select distinct name from ("+alikeForMany+") s(name)")
	if want := []string{"all", "all, last", "but one", "but one, last", "halves", "halves, last"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
}

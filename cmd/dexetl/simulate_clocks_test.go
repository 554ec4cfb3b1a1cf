package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkSuspectClocks checks whose wall clock is called suspect. All that is held counts
// for that, also what was fetched while other dates were agreed: so one backfill with
// the dates of the end cannot tell.
func (s *simulation) checkSuspectClocks() {
	s.t.Helper()
	for _, m := range s.people {
		zone, err := time.LoadLocation(m.row["timezone"])
		check(s.t, err)
		clocks := s.wallClocks(m.id())
		got := slices.DeleteFunc(slices.Clone(clocks), func(c wallClock) bool { return !c.suspect })
		want := farForLessThanADay(clocks, zone)
		if !slices.Equal(got, want) {
			s.t.Errorf("%d readings of %s have a suspect clock, want %d", len(got), m.id(), len(want))
		}
	}
}

// A wallClock is what a reading says of the time.
type wallClock struct {
	at      time.Time
	ahead   time.Duration // of UTC, to the quarter of an hour
	suspect bool          // as glucose has it
}

// wallClocks are those of somebody's readings that were sent with one.
func (s *simulation) wallClocks(id string) (clocks []wallClock) {
	s.t.Helper()
	for _, row := range s.plain(fmt.Sprintf(`select time_utc, local_time, clock_suspect from glucose
		where participant_id = '%s' and local_time_source in ('sent', 'derived') order by time_utc`, id)) {
		parts := strings.Split(row, "|")
		at := utc(parts[0])
		clocks = append(clocks, wallClock{at, utc(parts[1]).Sub(at).Round(15 * time.Minute), parts[2] == "true"})
	}
	return clocks
}

// farForLessThanADay are clocks that are more than two hours away from a zone, in a row
// that takes less than a day, as suspect ones.
func farForLessThanADay(clocks []wallClock, zone *time.Location) (suspect []wallClock) {
	isFar := func(c wallClock) bool {
		_, seconds := c.at.In(zone).Zone()
		return (c.ahead - time.Duration(seconds)*time.Second).Abs() > 2*time.Hour
	}
	for len(clocks) > 0 {
		n := slices.IndexFunc(clocks, func(c wallClock) bool { return isFar(c) != isFar(clocks[0]) })
		if n < 0 {
			n = len(clocks)
		}
		if isFar(clocks[0]) && clocks[n-1].at.Sub(clocks[0].at) < 24*time.Hour {
			for _, c := range clocks[:n] {
				suspect = append(suspect, wallClock{c.at, c.ahead, true})
			}
		}
		clocks = clocks[n:]
	}
	return suspect
}

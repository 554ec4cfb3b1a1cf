package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	minutesPerDay = 24 * 60
	halfDay       = 12 * 60
	clockDrift    = 15      // minutes that a clock set wrong by half a day may be off beside
	widestJourney = 26 * 60 // no two places on earth are further apart in time
)

// A clockOffset is the newest row of more than two days on which a participant's
// wall clock disagreed with the roster's zone; zero: there was none.
type clockOffset struct {
	aheadMin int64     // on its last day; negative: behind
	from, to time.Time // first and last day, UTC
	goesOn   bool      // to is the newest day with readings
}

func (c clockOffset) told() bool { return c.aheadMin != 0 }

// columns are clock_offset_min, clock_offset_from and clock_offset_to, which is
// null while it goes on.
func (c clockOffset) columns() []any {
	if !c.told() {
		return []any{nil, nil, nil}
	}
	if c.goesOn {
		return []any{c.aheadMin, c.from.Format(time.DateOnly), nil}
	}
	return []any{c.aheadMin, c.from.Format(time.DateOnly), c.to.Format(time.DateOnly)}
}

// clockNeed is about a wall clock that disagrees with the roster's zone to this
// day. The readings do not say why.
func (s standing) clockNeed() (need, bool) {
	if _, off := s.offTheStudy(); off || !s.clock.goesOn {
		return need{}, false
	}
	c := s.clock
	side, size := "ahead of", c.aheadMin
	if size < 0 {
		side, size = "behind", -size
	}
	cause := "a journey, or a wrong clock"
	switch {
	case size >= halfDay-clockDrift && size <= halfDay+clockDrift:
		cause = "AM for PM on the device, or a journey"
	case size > widestJourney:
		cause = "a wrong clock"
	}
	return need{needsDesk, fmt.Sprintf("%s %s the roster's zone since %s: %s", clockWords(size), side, c.from.Format(time.DateOnly), cause)}, true
}

// clockWords are minutes as people say them, such as 3 days 2 h.
func clockWords(minutes int64) string {
	days, hours, rest := minutes/minutesPerDay, minutes%minutesPerDay/60, minutes%60
	var words []string
	if days > 0 {
		words = append(words, countOf(int(days), "day"))
	}
	if hours > 0 {
		words = append(words, fmt.Sprintf("%d h", hours))
	}
	if rest > 0 {
		words = append(words, fmt.Sprintf("%d min", rest))
	}
	return strings.Join(words, " ")
}

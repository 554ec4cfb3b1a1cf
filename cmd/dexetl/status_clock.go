package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/study"
)

const (
	minutesPerDay = 24 * 60
	halfDay       = 12 * 60
	clockDrift    = 15      // minutes that a clock set wrong by half a day may be off beside
	widestJourney = 26 * 60 // no two places on earth are further apart in time
)

// clockColumns are clock_offset_min, clock_offset_from and clock_offset_to, which is
// null while it goes on.
func clockColumns(c study.ClockOffset) []any {
	if c.AheadMin == 0 {
		return []any{nil, nil, nil}
	}
	if c.GoesOn {
		return []any{c.AheadMin, c.From.Format(time.DateOnly), nil}
	}
	return []any{c.AheadMin, c.From.Format(time.DateOnly), c.To.Format(time.DateOnly)}
}

// clockNeed is about a wall clock that disagrees with the roster's zone to this
// day. The readings do not say why.
func clockNeed(c study.ClockOffset) string {
	side, size := "ahead of", c.AheadMin
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
	return fmt.Sprintf("%s %s the roster's zone since %s: %s", clockWords(size), side, c.From.Format(time.DateOnly), cause)
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

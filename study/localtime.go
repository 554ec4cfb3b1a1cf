package study

import (
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// LocalTime reads a date, which begins with its first
// instant in who's time zone, or a time of that zone unless it says its own. It
// returns UTC.
func LocalTime(text string, who cohort.Participant) (time.Time, error) {
	zone, err := ZoneOf(who)
	if err != nil {
		return time.Time{}, err
	}
	text = strings.TrimSpace(text)
	if date, err := cohort.ParseDate(text); err == nil {
		first, _ := cohort.LocalDays(date, date, zone)
		return first, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		for _, offset := range []string{"", "Z07:00"} {
			t, err := time.ParseInLocation(layout+offset, strings.Replace(text, " ", "T", 1), zone)
			if err == nil && t.Year() >= 1900 && t.Year() <= 2199 {
				return t.UTC().Truncate(time.Microsecond), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q: a date or a time such as 2026-03-01, 2026-03-01T14:30 or 2026-03-01T14:30-05:00", text)
}

package metrics

import "time"

// A Night is a time of day on the wall clock, half-open, in minutes after
// midnight; it may go over midnight. A night without length has none.
type Night struct{ FromMin, ToMin int }

// DefaultNight is 00:00 to 06:00 (Danne 2017, doi 10.2337/dc17-1600).
func DefaultNight() Night { return Night{0, 6 * 60} }

// Contains tells whether a local time lies in the night; an unknown one does
// not.
func (n Night) Contains(local time.Time) bool {
	if local.IsZero() {
		return false
	}
	minute := minuteOfDay(local)
	if n.FromMin <= n.ToMin {
		return minute >= n.FromMin && minute < n.ToMin
	}
	return minute >= n.FromMin || minute < n.ToMin
}

// minuteOfDay is the minutes since midnight.
func minuteOfDay(local time.Time) int { return local.Hour()*60 + local.Minute() }

// Split divides readings into those of the night and those of the day, in
// their order. Those of unknown local time are in neither.
func (n Night) Split(readings []Reading) (night, day []Reading) {
	night, day = make([]Reading, 0, len(readings)/3), make([]Reading, 0, len(readings))
	for _, r := range readings {
		switch {
		case r.Local.IsZero():
		case n.Contains(r.Local):
			night = append(night, r)
		default:
			day = append(day, r)
		}
	}
	return night, day
}

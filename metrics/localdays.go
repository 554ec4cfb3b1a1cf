package metrics

import (
	"slices"
	"time"
)

// A LocalDay is the readings of one local date. It may have 23 or 25 hours,
// and more or fewer on a journey: its metrics are of all its readings.
type LocalDay struct {
	Date     time.Time // midnight of the wall clock, see Day
	Readings []Reading // with a value, by time; not to be changed
}

// LocalDays divides readings, in any order, into local dates. Dates without a
// value are left out, and so are readings of unknown local time.
func LocalDays(readings []Reading) []LocalDay {
	placed := byDate(inOrder(readings))
	var days []LocalDay
	for len(placed) > 0 {
		n, number := 1, dayNumber(placed[0])
		for n < len(placed) && dayNumber(placed[n]) == number {
			n++
		}
		days = append(days, LocalDay{Day(placed[0].Local), placed[:n:n]})
		placed = placed[n:]
	}
	return days
}

// byDate are the readings of known local time, date after date.
func byDate(sorted []Reading) []Reading {
	for i, r := range sorted {
		if r.Local.IsZero() || i > 0 && dayNumber(r) < dayNumber(sorted[i-1]) {
			placed := slices.DeleteFunc(slices.Clone(sorted), func(r Reading) bool { return r.Local.IsZero() })
			slices.SortStableFunc(placed, func(a, b Reading) int { return dayNumber(a) - dayNumber(b) })
			return placed
		}
	}
	return sorted
}

// dayNumber tells local dates apart, in their order.
func dayNumber(r Reading) int {
	const day = 24 * 60 * 60
	seconds := r.Local.Unix()
	if seconds < 0 {
		seconds -= day - 1
	}
	return int(seconds / day)
}

// CountsOf counts the values of readings. It is false if one is not a whole
// number up to MaxCount: then there is only their [DistributionOf].
func CountsOf(readings []Reading) (*Counts, bool) {
	var c Counts
	for _, r := range readings {
		if r.HasValue && !r.Excluded && !c.Add(r.GlucoseMgdL, 1) {
			return nil, false
		}
	}
	return &c, true
}

// DistributionOf is the distribution of the readings' values, whatever they
// are.
func DistributionOf(readings []Reading) Distribution {
	if c, ok := CountsOf(readings); ok {
		return c.Distribution()
	}
	return Distribute(values(inOrder(readings)))
}

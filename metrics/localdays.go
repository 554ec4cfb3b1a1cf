package metrics

import (
	"math"
	"slices"
	"time"
)

// A LocalDay is the readings of one local date. It may have 23 or 25 hours,
// and more or fewer on a journey: its metrics are of all its readings.
type LocalDay struct {
	Date     time.Time // midnight of the wall clock, see Day
	Readings []Reading // with a value, by time
}

// LocalDays divides readings, in any order, into local dates. Dates without a
// value are left out, and so are readings of unknown local time.
func LocalDays(readings []Reading) []LocalDay {
	placed := slices.DeleteFunc(valued(readings), func(r Reading) bool { return r.Local.IsZero() })
	slices.SortStableFunc(placed, func(a, b Reading) int { return dayNumber(a) - dayNumber(b) })
	var days []LocalDay
	for len(placed) > 0 {
		n := 1
		for n < len(placed) && dayNumber(placed[n]) == dayNumber(placed[0]) {
			n++
		}
		days = append(days, LocalDay{Day(placed[0].Local), placed[:n:n]})
		placed = placed[n:]
	}
	return days
}

// dayNumber tells local dates apart, in their order.
func dayNumber(r Reading) int { return int(math.Floor(float64(r.Local.Unix()) / (24 * 60 * 60))) }

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
	return Distribute(values(valued(readings)))
}

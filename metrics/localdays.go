package metrics

import (
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
	slices.SortStableFunc(placed, func(a, b Reading) int { return Day(a.Local).Compare(Day(b.Local)) })
	var days []LocalDay
	for len(placed) > 0 {
		date := Day(placed[0].Local)
		n := 1
		for n < len(placed) && Day(placed[n].Local).Equal(date) {
			n++
		}
		days = append(days, LocalDay{date, placed[:n:n]})
		placed = placed[n:]
	}
	return days
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
	return Distribute(values(valued(readings)))
}

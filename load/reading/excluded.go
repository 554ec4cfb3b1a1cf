package reading

import (
	"cmp"
	"slices"
)

// An Interval is a piece of a wall clock, in microseconds as of a Reading's Local:
// From is in it, To is not.
type Interval struct{ From, To int64 }

// Merged are the intervals in order of time, those that meet joined, so that no
// instant is in two of them. It sorts them.
func Merged(intervals []Interval) (merged []Interval) {
	slices.SortFunc(intervals, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	for _, i := range intervals {
		last := len(merged) - 1
		switch {
		case i.From >= i.To:
		case last >= 0 && i.From <= merged[last].To:
			merged[last].To = max(merged[last].To, i.To)
		default:
			merged = append(merged, i)
		}
	}
	return merged
}

// excluded says why metrics leave a reading out; empty: they count it. Without a wall
// clock nobody knows whether it lies in an interval.
func excluded(r *Reading, intervals []Interval) string {
	switch {
	case r.Local.OK && holds(intervals, r.Local.V):
		return "exclusion"
	case r.ValueFrom == implausible:
		return implausible
	case !r.Value.OK:
		return "no_value"
	}
	return ""
}

// holds reports whether an instant is in one of merged intervals.
func holds(intervals []Interval, at int64) bool {
	i, _ := slices.BinarySearchFunc(intervals, at, func(i Interval, at int64) int {
		if i.To <= at {
			return -1
		}
		return 1
	})
	return i < len(intervals) && intervals[i].From <= at
}

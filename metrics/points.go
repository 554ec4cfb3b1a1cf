package metrics

import (
	"math"
	"slices"
)

// A clock says which of a reading's times a grid goes by.
type clock int

const (
	elapsedClock clock = iota // UTC alone
	dailyClock                // gaps in UTC, cells of the wall clock
	wallClock                 // the wall clock alone, as iglu knows one
)

// A point is a reading that counts, in microseconds of its clock.
type point struct {
	at   int64 // what orders points and measures gaps
	wall int64 // what finds the cell
	mgdl float64
}

// pointsOf turns the readings that count into points of a clock, sorted, one per
// instant: the last of equal ones. Readings without local time have no place on
// the wall clock. The result is built in buf.
func pointsOf(readings []Reading, c clock, buf []point) []point {
	points, inOrder := buf[:0], true
	for i := range readings {
		r := &readings[i]
		if !r.HasValue || r.Excluded || c != elapsedClock && r.Local.IsZero() {
			continue
		}
		p := point{mgdl: r.GlucoseMgdL}
		switch c {
		case elapsedClock:
			p.at = r.Time.UnixMicro()
			p.wall = p.at
		case dailyClock:
			p.at, p.wall = r.Time.UnixMicro(), r.Local.UnixMicro()
		case wallClock:
			p.wall = r.Local.UnixMicro()
			p.at = p.wall
		}
		inOrder = inOrder && (len(points) == 0 || points[len(points)-1].at < p.at)
		points = append(points, p)
	}
	if inOrder {
		return points
	}
	return lastAtOnce(sortPoints(points))
}

// sortPoints sorts points, which mostly are sorted, and keeps the order of equals.
func sortPoints(points []point) []point {
	before := func(a, b point) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(points, before) {
		slices.SortStableFunc(points, before)
	}
	return points
}

// lastAtOnce keeps the last of points at the same instant, in place.
func lastAtOnce(points []point) []point {
	kept := points[:0]
	for i, p := range points {
		if i+1 < len(points) && points[i+1].at == p.at {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// ownStep is the median gap in minutes, rounded to even, then made a divisor of
// 1440 by iglu's rule: 20 at most, else the nearest multiple of 5. It is 0
// below two points.
func ownStep(points []point) int {
	if len(points) < 2 {
		return 0
	}
	spaced := make([]float64, len(points)-1)
	for i := range spaced {
		spaced[i] = float64(points[i+1].at-points[i].at) / float64(microsPerMinute)
	}
	step := max(1, int(math.RoundToEven(Quantile(spaced, 0.5))))
	switch {
	case 1440%step == 0:
		return step
	case step > 20:
		return 20
	case step%5 > 2:
		return step + 5 - step%5
	default:
		return step - step%5
	}
}

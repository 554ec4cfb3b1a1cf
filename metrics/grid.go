package metrics

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// maxGapMin is the longest gap in minutes that the grid bridges.
const maxGapMin = 45

// A Grid is a series interpolated to equal steps of the wall clock, as the R
// package iglu lays it (4.3, CGMS2DayByDay): one row per day, one column per
// step. The row of a day is (00:00, 24:00]: its first column is one step after
// midnight and its last is the midnight that ends it. A cell is NaN before the
// first and after the last reading and inside gaps of more than 45 minutes.
type Grid struct {
	StepMin int       // divides 1440
	Start   time.Time // midnight that begins the first row, wall clock
	MgdL    [][]float64
}

// NewGrid interpolates the readings that have a value and local time; the last
// of equal local times counts. The step is the cadence, made a divisor of a
// day. Fewer than two readings, or a cadence above 45 minutes, are an error.
func NewGrid(readings []Reading) (Grid, error) {
	points := onWallClock(readings)
	if len(points) < 2 {
		return Grid{}, fmt.Errorf("day grid of %d readings: at least 2 are needed", len(points))
	}
	step := gridStep(points)
	if step > maxGapMin {
		return Grid{}, fmt.Errorf("day grid of readings %d min apart: at most %d min can be bridged", step, maxGapMin)
	}
	start := Day(points[0].Local)
	span := points[len(points)-1].Local.Sub(points[0].Local)
	days := int(math.Ceil(span.Hours()/24 + 1))
	g := Grid{StepMin: step, Start: start}
	perDay := 1440 / step
	next := 0 // first point not before the cell
	for day := range days {
		row := make([]float64, perDay)
		for k := range row {
			at := start.Add(time.Duration((day*perDay+k+1)*step) * time.Minute)
			for next < len(points) && points[next].Local.Before(at) {
				next++
			}
			row[k] = interpolate(points, next, at)
		}
		g.MgdL = append(g.MgdL, row)
	}
	return g, nil
}

// onWallClock returns the readings the grid is laid through, sorted by local
// time, one per instant.
func onWallClock(readings []Reading) []Reading {
	placed := slices.DeleteFunc(valued(readings), func(r Reading) bool { return r.Local.IsZero() })
	slices.SortStableFunc(placed, func(a, b Reading) int { return a.Local.Compare(b.Local) })
	var result []Reading
	for _, r := range placed {
		if n := len(result); n > 0 && result[n-1].Local.Equal(r.Local) {
			result[n-1] = r
			continue
		}
		result = append(result, r)
	}
	return result
}

// gridStep is the median gap in minutes, rounded to even, then to a divisor of
// 1440 by iglu's rule: 20 at most, else the nearest multiple of 5.
func gridStep(points []Reading) int {
	var spaced []float64
	for i := 1; i < len(points); i++ {
		spaced = append(spaced, points[i].Local.Sub(points[i-1].Local).Minutes())
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

// interpolate is the value at an instant between points[next-1] and
// points[next], the first point that is not before it.
func interpolate(points []Reading, next int, at time.Time) float64 {
	if next == len(points) {
		return math.NaN()
	}
	right := points[next]
	if right.Local.Equal(at) {
		return right.GlucoseMgdL
	}
	if next == 0 {
		return math.NaN()
	}
	left := points[next-1]
	gap := right.Local.Sub(left.Local)
	if gap > maxGapMin*time.Minute {
		return math.NaN()
	}
	share := float64(at.Sub(left.Local)) / float64(gap)
	return left.GlucoseMgdL + share*(right.GlucoseMgdL-left.GlucoseMgdL)
}

// Profile is the ambulatory glucose profile of the grid: percentiles (type 7)
// over the days at each step, unsmoothed. A bin's StartMin is its instant, one
// step to 1440. Steps without a value are left out.
func (g Grid) Profile() []Bin {
	var bins []Bin
	for k := range 1440 / g.StepMin {
		var column []float64
		for _, row := range g.MgdL {
			if !math.IsNaN(row[k]) {
				column = append(column, row[k])
			}
		}
		if len(column) > 0 {
			bins = append(bins, Bin{(k + 1) * g.StepMin, len(column), len(column), Distribute(column).percentiles(ProfilePercentiles())})
		}
	}
	return bins
}

package metrics

import (
	"iter"
	"math"
	"time"
)

// maxGapMin is the longest gap in minutes that a grid bridges; it is itself
// bridged.
const maxGapMin = 45

// jumpMin is the least number of minutes by which a wall clock is said to jump:
// no two zones are closer.
const jumpMin = 15

// GridRules say how grids are laid and what goes by which clock.
type GridRules struct {
	// StepMin is the step of the grid and divides 1440. 0: the median gap of the
	// readings, made such a divisor.
	StepMin int
	// IGLU lays the one grid of the R package iglu 4.3 (CGMS2DayByDay) on the
	// wall clock: a day is (00:00, 24:00], so a reading at the very first
	// midnight is lost, and one more day than needed may follow. AUC is then
	// taken as iglu takes it; see [Grid.AUC].
	IGLU bool
}

// DexetlGrid are the rules of preset dexetl-1: a grid of 5 minutes from 00:00,
// whatever the cadence, so that values of different devices compare.
func DexetlGrid() GridRules { return GridRules{StepMin: 5} }

// IGLUGrid are the rules of preset iglu: the step is the series' own.
func IGLUGrid() GridRules { return GridRules{IGLU: true} }

// emptyDays is how many days without a reading a grid keeps of a longer gap. No
// metric reaches across more, so that a reading of the year 9999 costs days and
// not millennia. iglu's AUC depends on the number of days: there it is a year.
func (r GridRules) emptyDays() int64 {
	if r.IGLU {
		return 366
	}
	return 2
}

// origin is the first cell of a day, in steps after midnight.
func (r GridRules) origin() int64 {
	if r.IGLU {
		return 1
	}
	return 0
}

// A Grid is a series interpolated to equal steps, a row per day. A cell is NaN
// before the first and after the last reading, strictly inside gaps of more
// than 45 minutes, and where the wall clock jumped ahead. Where it was set back
// the later of two values stands in the cell; the earlier one counts in the
// statistics of its day and in nothing else.
type Grid struct {
	StepMin int       // divides 1440
	MgdL    []float64 // row after row
	Points  int       // cells with a value
	Missing int       // cells without, between the first and the last one

	perDay, origin int64
	days           []int64   // days since 1970 with a reading, ascending
	rows           []int64   // the row of each
	again          []earlier // values of cells that were passed twice
	iglu           bool
	scratch        []float64
	short, long    []float64 // moving averages
	power          []float64
	columns        []column
}

// earlier is the value of a cell that got a later one.
type earlier struct {
	row  int
	mgdl float64
}

// Days is the number of rows.
func (g *Grid) Days() int {
	if g.perDay == 0 {
		return 0
	}
	return len(g.MgdL) / int(g.perDay)
}

// Row returns a day's cells.
func (g *Grid) Row(day int) []float64 {
	return g.MgdL[day*int(g.perDay) : (day+1)*int(g.perDay)]
}

// Cells yields the cells that have a value with their instants on the grid's
// clock, oldest first.
func (g *Grid) Cells() iter.Seq2[time.Time, float64] {
	return func(yield func(time.Time, float64) bool) {
		for i, day := range g.days {
			next := g.Days()
			if i+1 < len(g.days) {
				next = int(g.rows[i+1])
			}
			first := int(g.rows[i] * g.perDay)
			for k, v := range g.MgdL[first : next*int(g.perDay)] {
				minutes := day*1440 + (int64(k)+g.origin)*int64(g.StepMin)
				if !math.IsNaN(v) && !yield(time.Unix(minutes*60, 0).UTC(), v) {
					return
				}
			}
		}
	}
}

// Profile is the ambulatory glucose profile of the grid: percentiles (type 7)
// over the days at each step, unsmoothed. A bin's StartMin is its instant, to
// 1440 by the rules of iglu. Steps without a value are left out.
func (g *Grid) Profile() []Bin {
	var bins []Bin
	for k := range int(g.perDay) {
		var column []float64
		for day := range g.Days() {
			if v := g.Row(day)[k]; !math.IsNaN(v) {
				column = append(column, v)
			}
		}
		if len(column) > 0 {
			bins = append(bins, Bin{(k + int(g.origin)) * g.StepMin, len(column), len(column), Distribute(column).percentiles(ProfilePercentiles())})
		}
	}
	return bins
}

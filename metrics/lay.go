package metrics

import (
	"math"
	"slices"
	"time"
)

// lay lays the grid through points, in the memory it has. A step of 0 or above
// 45 minutes leaves it empty.
func (g *Grid) lay(points []point, step int, rules GridRules) {
	*g = Grid{
		StepMin: step, MgdL: g.MgdL[:0], days: g.days[:0], rows: g.rows[:0], again: g.again[:0],
		iglu: rules.IGLU, scratch: g.scratch, short: g.short, long: g.long, power: g.power, columns: g.columns,
	}
	if len(points) == 0 || step < 1 || step > maxGapMin {
		return
	}
	g.perDay, g.origin = int64(1440/step), rules.origin()
	g.makeRows(points, rules)
	pass := passage{grid: g, width: int64(step) * microsPerMinute, low: 1, first: math.MaxInt64, last: math.MinInt64}
	for i, p := range points {
		if i > 0 {
			pass.between(points[i-1], p)
		}
		pass.reading(p)
	}
	if g.Points > 0 {
		g.Missing = int(pass.last-pass.first) + 1 - g.Points
	}
}

const (
	microsPerMinute = int64(time.Minute / time.Microsecond)
	microsPerDay    = 1440 * microsPerMinute
)

// makeRows makes a row of NaN for each day of the points and for the days
// between, of many the first few.
func (g *Grid) makeRows(points []point, rules GridRules) {
	g.findDays(points)
	row := int64(0)
	for i, day := range g.days {
		if i > 0 {
			row += min(day-g.days[i-1], rules.emptyDays()+1)
		}
		g.rows = append(g.rows, row)
	}
	if rules.IGLU {
		row = g.igluRows(points, row)
	}
	g.MgdL = slices.Grow(g.MgdL, int((row+1)*g.perDay))[:(row+1)*g.perDay]
	for i := range g.MgdL {
		g.MgdL[i] = math.NaN()
	}
}

// findDays lists the days on which the points' cells are.
func (g *Grid) findDays(points []point) {
	midnight := int64(math.MaxInt64) // of the day before
	for i, p := range points {
		wall := p.wall
		if i > 0 {
			wall -= g.origin // a microsecond: iglu's day ends with its midnight, but does not begin before the first
		}
		if wall < midnight || wall-midnight >= microsPerDay {
			day := floorDiv(wall, microsPerDay)
			midnight = day * microsPerDay
			g.days = append(g.days, day)
		}
	}
	slices.Sort(g.days)
	g.days = slices.Compact(g.days)
}

// igluRows is the last row by iglu's count of days: the span in days, rounded
// up, and one more.
func (g *Grid) igluRows(points []point, last int64) int64 {
	span := points[len(points)-1].wall - points[0].wall
	folded := g.days[len(g.days)-1] - g.days[0] - last
	return max(last, (span+microsPerDay-1)/microsPerDay-folded)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// A passage goes along the points and fills cells. Points mostly are a step apart, so
// that it hardly ever divides.
type passage struct {
	grid  *Grid
	width int64 // of a step, microseconds

	step, at    int64 // the first step after the point where it is, and when that is
	low, high   int64 // steps whose cells are at base
	base        int64
	first, last int64 // step that was filled
}

// reading goes on to a reading and fills the cell on which that lies.
func (p *passage) reading(r point) {
	switch ahead := r.wall - p.at; {
	case ahead < -p.width || ahead >= p.width:
		p.step = floorDiv(r.wall, p.width) + 1
		p.at = p.step * p.width
	case ahead >= 0:
		p.step++
		p.at += p.width
	}
	if p.at-p.width == r.wall {
		p.set(p.step-1, r.mgdl)
	}
}

// between fills the cells strictly between two successive readings, at the first of
// which it is.
func (p *passage) between(a, b point) {
	gap, walked := b.at-a.at, b.wall-a.wall
	if jump := max(walked-gap, gap-walked); gap > maxGapMin*microsPerMinute || jump >= jumpMin*microsPerMinute {
		return
	}
	k := p.step
	for at := p.at; at < b.wall; at += p.width {
		share := float64(at-a.wall) / float64(walked)
		p.set(k, a.mgdl+share*(b.mgdl-a.mgdl))
		k++
	}
}

// set fills the cell of the k-th step since 1970, if it is not before the first day.
func (p *passage) set(k int64, mgdl float64) {
	place := k - p.grid.origin
	if (place < p.low || place >= p.high) && !p.find(place) {
		return
	}
	cell := &p.grid.MgdL[p.base+place]
	if old := *cell; old == old {
		p.grid.again = append(p.grid.again, earlier{int((p.base + place) / p.grid.perDay), old})
	} else {
		p.grid.Points++
	}
	*cell = mgdl
	p.first, p.last = min(p.first, k), max(p.last, k)
}

// find finds the cells of the days around a step; there are none before the first day.
func (p *passage) find(place int64) bool {
	g := p.grid
	i, found := slices.BinarySearch(g.days, floorDiv(place, g.perDay))
	if !found {
		i--
	}
	if i < 0 {
		return false
	}
	p.low, p.high = g.days[i]*g.perDay, math.MaxInt64
	if i+1 < len(g.days) {
		p.high = g.days[i+1] * g.perDay
	}
	p.base = (g.rows[i] - g.days[i]) * g.perDay
	return true
}

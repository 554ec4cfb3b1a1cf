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
	pass := passage{grid: g, width: int64(step) * microsPerMinute, first: math.MaxInt64, last: math.MinInt64}
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
	for i, p := range points {
		edge := g.origin // a microsecond: iglu's day ends with its midnight, but does not begin before the first
		if i == 0 {
			edge = 0
		}
		if day := floorDiv(p.wall-edge, microsPerDay); len(g.days) == 0 || g.days[len(g.days)-1] != day {
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

// cell is the index of the k-th step since 1970, negative if it is before the
// first day. hint is the place in days where the last one was found.
func (g *Grid) cell(k int64, hint *int) int {
	k -= g.origin
	day := floorDiv(k, g.perDay)
	i := *hint
	if g.days[i] > day || i+1 < len(g.days) && g.days[i+1] <= day {
		at, found := slices.BinarySearch(g.days, day)
		if !found {
			at--
		}
		if at < 0 {
			return -1
		}
		*hint, i = at, at
	}
	return int((g.rows[i]+day-g.days[i])*g.perDay + k - day*g.perDay)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// A passage goes along the points and fills cells.
type passage struct {
	grid        *Grid
	width       int64 // of a step, microseconds
	hint        int
	first, last int64 // steps since 1970 that got a value
}

// reading fills the cell on which a reading lies.
func (p *passage) reading(r point) {
	if k := floorDiv(r.wall, p.width); k*p.width == r.wall {
		p.set(k, r.mgdl)
	}
}

// between fills the cells strictly between two successive readings.
func (p *passage) between(a, b point) {
	gap, walked := b.at-a.at, b.wall-a.wall
	if jump := max(walked-gap, gap-walked); gap > maxGapMin*microsPerMinute || jump >= jumpMin*microsPerMinute {
		return
	}
	k := floorDiv(a.wall, p.width) + 1
	for at := k * p.width; at < b.wall; at += p.width {
		share := float64(at-a.wall) / float64(walked)
		p.set(k, a.mgdl+share*(b.mgdl-a.mgdl))
		k++
	}
}

func (p *passage) set(k int64, mgdl float64) {
	i := p.grid.cell(k, &p.hint)
	if i < 0 {
		return
	}
	if old := p.grid.MgdL[i]; !math.IsNaN(old) {
		p.grid.again = append(p.grid.again, earlier{i / int(p.grid.perDay), old})
	} else {
		p.grid.Points++
	}
	p.grid.MgdL[i] = mgdl
	p.first, p.last = min(p.first, k), max(p.last, k)
}

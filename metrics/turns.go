package metrics

import "slices"

// turningPoints returns peaks and nadirs, alternating. A short and a long moving
// average cross where glucose turns; between two crossings the turning point is
// the highest value where the short one is above, else the lowest. The search
// begins at the turning point before.
func (g *Grid) turningPoints(f []float64, rules MAGERules) []float64 {
	g.trailingMeans(f, rules.ShortCells, rules.LongCells)
	turns := g.scratch[:0]
	above, known, from := false, false, 0
	for i, s := range g.short {
		d := s - g.long[i]
		if d == 0 || d != d {
			continue
		}
		if known && above != (d > 0) {
			from = extreme(f, from, i, above)
			turns = append(turns, f[from])
		}
		above, known = d > 0, true
	}
	if known {
		turns = append(turns, f[extreme(f, from, len(f)-1, above)])
	}
	g.scratch = turns
	return turns
}

// extreme is the place of the highest or the lowest value from one cell to
// another, both inclusive; the first of equals. The first cell has a value.
func extreme(f []float64, from, to int, highest bool) int {
	at := from
	for i := from + 1; i <= to; i++ {
		if highest && f[i] > f[at] || !highest && f[i] < f[at] {
			at = i
		}
	}
	return at
}

// trailingMeans makes the two moving averages: the mean of the values in the width cells
// up to each cell; the first cells get that of the first width.
func (g *Grid) trailingMeans(f []float64, short, long int) {
	g.trail(f, short, long)
	inShort, inLong := 0.0, 0.0
	for i, v := range f {
		if v == v {
			inShort++
			inLong++
		}
		if i >= short && f[i-short] == f[i-short] {
			inShort--
		}
		if i >= long && f[i-long] == f[i-long] {
			inLong--
		}
		g.short[i] /= inShort
		g.long[i] /= inLong
	}
	flatten(g.short, short)
	flatten(g.long, long)
}

// flatten gives the first cells the average of the first width.
func flatten(averages []float64, width int) {
	for i := range width - 1 {
		averages[i] = averages[width-1]
	}
}

// trail makes the sums of the short and the long width of cells up to each, no value
// being 0. It adds sums of 1, 2, 4, … cells: few passes, and no error of subtraction, so
// that the two averages are equal where glucose is flat.
func (g *Grid) trail(f []float64, short, long int) {
	g.power = g.power[:0]
	for _, v := range f {
		if v != v {
			v = 0
		}
		g.power = append(g.power, v)
	}
	g.short, g.long = zeros(g.short, len(f)), zeros(g.long, len(f))
	for size := 1; size <= max(short, long); size *= 2 {
		if size > 1 {
			double(g.power, size/2)
		}
		if short&size != 0 {
			addFrom(g.short, g.power, short&(size-1))
		}
		if long&size != 0 {
			addFrom(g.long, g.power, long&(size-1))
		}
	}
}

// zeros are n zeros, in memory that is there if it is enough.
func zeros(buf []float64, n int) []float64 {
	buf = slices.Grow(buf[:0], n)[:n]
	clear(buf)
	return buf
}

// double makes sums of so many cells those of twice as many.
func double(sums []float64, size int) {
	for i := len(sums) - 1; i >= size; i-- {
		sums[i] += sums[i-size]
	}
}

// addFrom adds to every cell what stands so many cells before it.
func addFrom(to, from []float64, before int) {
	for i := before; i < len(to); i++ {
		to[i] += from[i-before]
	}
}

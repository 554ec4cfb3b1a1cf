package metrics

import "math"

// turningPoints returns peaks and nadirs, alternating. A short and a long moving
// average cross where glucose turns; between two crossings the turning point is
// the highest value where the short one is above, else the lowest. The search
// begins at the turning point before.
func (g *Grid) turningPoints(f []float64, rules MAGERules) []float64 {
	g.short = g.trailingMeans(f, rules.ShortCells, g.short[:0])
	g.long = g.trailingMeans(f, rules.LongCells, g.long[:0])
	turns := g.scratch[:0]
	above, known, from := false, false, 0
	for i := range f {
		d := g.short[i] - g.long[i]
		if d == 0 || math.IsNaN(d) {
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

// trailingMeans appends to buf, which is empty, the mean of the values in the
// width cells up to each cell; the first cells get that of the first width.
func (g *Grid) trailingMeans(f []float64, width int, buf []float64) []float64 {
	for _, v := range f {
		if math.IsNaN(v) {
			v = 0
		}
		buf = append(buf, v)
	}
	g.trail(buf, width)
	present := 0.0
	for i, v := range f {
		if !math.IsNaN(v) {
			present++
		}
		if i >= width && !math.IsNaN(f[i-width]) {
			present--
		}
		buf[i] /= present
	}
	for i := range width - 1 {
		buf[i] = buf[width-1]
	}
	return buf
}

// trail replaces every cell by the sum of the width cells up to it. It adds sums
// of 1, 2, 4, … cells: few passes, and no error of subtraction, so that the two
// averages are equal where glucose is flat.
func (g *Grid) trail(f []float64, width int) {
	power := append(g.power[:0], f...)
	clear(f)
	done := 0
	for size := 1; size <= width; size *= 2 {
		if width&size != 0 {
			for i := done; i < len(f); i++ {
				f[i] += power[i-done]
			}
			done += size
		}
		for i := len(power) - 1; i >= size; i-- {
			power[i] += power[i-size]
		}
	}
	g.power = power
}

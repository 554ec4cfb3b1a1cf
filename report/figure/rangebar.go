package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/report/number"
)

// A RangeBar is the shares of the five consensus ranges: a stacked bar, the lowest at the
// bottom, with what two of them are together.
type RangeBar struct {
	ID     string    // unique in its page
	Shares []float64 // percent, from very low to very high, which add to 100; NaN: there are no values
	Unit   number.Unit
}

// The bar, its labels and their brackets.
const (
	rangeBarWidth, rangeBarHeight = 400, 300
	barLeft, barWidth             = 4, 62
	barTop, barBottom             = 8, 292
	labelGap                      = 44 // between the middles of labels
)

// Figure draws the bar.
func (r RangeBar) Figure() Figure {
	f := Figure{Title: "Time in ranges of glucose, " + string(r.Unit), Data: Table{Columns: append(Words("range"), Numbers(string(r.Unit), "share", "minutes a day")...)}}
	said, minutes := number.Percents(r.Shares...), r.minutes()
	var parts []string
	for i, one := range consensusRanges() {
		minutes := leastMinutes(minutes[i], r.Shares[i])
		f.Data.Rows = append(f.Data.Rows, []string{one.name, one.bounds(r.Unit), said[i], minutes})
		parts = append(parts, strings.ToLower(one.name)+" "+said[i])
	}
	if math.IsNaN(r.Shares[0]) {
		f.Note = "There are no values."
		return f
	}
	c := newCanvas(rangeBarWidth, rangeBarHeight)
	r.draw(c, said)
	f.SVG = c.svg(r.ID, f.Title, "A stacked bar of the share of time in five ranges of glucose: "+strings.Join(parts, ", ")+".")
	return f
}

// minutes are those of a day, whole, that the ranges' shares stand for. They add to 1440 by
// the largest remainder; NaN without values.
func (r RangeBar) minutes() []float64 {
	minutes, order, left := make([]float64, len(r.Shares)), make([]int, len(r.Shares)), 1440.0
	for i, share := range r.Shares {
		minutes[i], order[i] = math.Floor(share*14.4+1e-9), i
		left -= minutes[i]
	}
	remainder := func(i int) float64 { return math.Round(1e9 * (r.Shares[i]*14.4 - minutes[i])) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainder(b), remainder(a)) })
	for place := 0; left >= 1 && place < len(order); place++ {
		minutes[order[place]]++
		left--
	}
	return minutes
}

// draw stacks the parts. What is more than nothing can be seen.
func (r RangeBar) draw(c *canvas, said []string) {
	heights, middles := r.heights(), make([]float64, len(r.Shares))
	y := float64(barTop)
	for i := len(heights) - 1; i >= 0; i-- {
		if heights[i] > 0 {
			c.rect(consensusRanges()[i].class+" part", barLeft, y, barWidth, heights[i])
		}
		middles[len(heights)-1-i] = y + heights[i]/2
		y += heights[i]
	}
	minutes := r.minutes()
	labels := spread(middles, labelGap, barTop+14, barBottom-16)
	for place, y := range labels {
		i := len(labels) - 1 - place
		one := consensusRanges()[i]
		c.path("leader", polyline([]point{{barLeft + barWidth + 3, middles[place]}, {barLeft + barWidth + 18, y}, {barLeft + barWidth + 24, y}}))
		c.rect(one.class+" part", 94, y-12, 8, 24)
		c.text("start strong", 108, y-1, one.name)
		c.text("start quiet", 108, y+13, one.bounds(r.Unit))
		c.text("end strong large", 268, y-1, said[i])
		c.text("end quiet", 268, y+13, duration(minutes[i], r.Shares[i]))
	}
	r.bracket(c, labels[0], labels[1], 3, 5, "above "+r.Unit.Glucose(180))
	r.bracket(c, labels[3], labels[4], 0, 2, "below "+r.Unit.Glucose(70))
}

// heights are those of the parts; a small one is two at least, at the cost of the largest.
func (r RangeBar) heights() []float64 {
	heights, largest, sum := make([]float64, len(r.Shares)), 0, 0.0
	for i, share := range r.Shares {
		heights[i] = share / 100 * (barBottom - barTop)
		if share > 0 {
			heights[i] = max(2, heights[i])
		}
		sum += heights[i]
		if heights[i] > heights[largest] {
			largest = i
		}
	}
	heights[largest] -= sum - (barBottom - barTop)
	return heights
}

// bracket says what the ranges first to before end are together.
func (r RangeBar) bracket(c *canvas, top, bottom float64, first, end int, words string) {
	c.path("axis", polyline([]point{{280, top - 12}, {287, top - 12}, {287, bottom + 14}, {280, bottom + 14}}))
	middle := (top + bottom) / 2
	minutes, share := 0.0, 0.0
	for i, of := range r.minutes()[first:end] {
		minutes += of
		share += r.Shares[first+i]
	}
	c.text("start strong large", 297, middle-2, number.Together(r.Shares, first, end))
	c.text("start quiet", 297, middle+12, words)
	c.text("start quiet", 297, middle+26, duration(minutes, share))
}

// duration says minutes of a day that a share stands for.
func duration(minutes, share float64) string {
	if whole := int(minutes); whole >= 60 {
		return fmt.Sprintf("%d h %d min", whole/60, whole%60)
	}
	return leastMinutes(minutes, share) + " min"
}

// leastMinutes says minutes, rounded, that a share stands for: what is more than nothing is
// never written as nothing.
func leastMinutes(minutes, share float64) string {
	if minutes == 0 && share > 0 {
		return "<1"
	}
	return number.Decimal(minutes, 0)
}

package figure

import (
	"fmt"
	"strconv"
	"strings"
)

// A Count is how many there are of something.
type Count struct {
	Name string
	N    int
}

// The room of bars.
const (
	barsWidth          = 520.0
	barsLeft, barsEnd  = 110.0, 470.0
	barPitch, barThick = 24.0, 15.0
)

// Bars are counts as bars, one below the other. What is counted by what are columns of the
// table, such as "lag" and "participants"; the id is unique in the page.
func Bars(id, title, what, counted string, counts []Count) Figure {
	most := 1
	for _, one := range counts {
		most = max(most, one.N)
	}
	across := scale{0, float64(most), barsLeft, barsEnd}
	c := newCanvas(barsWidth, barPitch*float64(len(counts))+6)
	t := Table{Columns: append(Words(what), Numbers(counted)...)}
	said := make([]string, 0, len(counts))
	for i, one := range counts {
		y := 4 + barPitch*float64(i)
		c.text("end", barsLeft-8, y+barThick-3, one.Name)
		if one.N > 0 {
			c.rect("bar", barsLeft, y, across.of(float64(one.N))-barsLeft, barThick)
		}
		c.text("start", across.of(float64(one.N))+6, y+barThick-3, strconv.Itoa(one.N))
		t.Rows = append(t.Rows, []string{one.Name, strconv.Itoa(one.N)})
		said = append(said, fmt.Sprintf("%s: %d", one.Name, one.N))
	}
	c.line("axis", barsLeft, 0, barsLeft, c.height-2)
	return Figure{Title: title, SVG: c.svg(id, title, strings.Join(said, "; ")+"."), Data: t}
}

package figure

import (
	"cmp"
	"fmt"
	"html"
	"slices"

	"github.com/dexetl/dexetl/report/number"
)

// A Share is how glucose of somebody is shared among the ranges.
type Share struct {
	Name   string // who it is
	Ranges Ranges
	Little bool // it is of too little data
}

// The room of the distribution.
const (
	stackWidth, stackHeight = 760.0, 300.0
	stackLeft, stackRight   = 44.0, 90.0
	stackTop, stackBottom   = 10.0, 34.0
	widestBar               = 36.0
	littleApart             = 1.5 // bars between those of enough data and the others
)

// Distribution has a bar for each participant, most time in range first; those of too
// little data stand apart at the right.
func Distribution(all []Share) Figure {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Share) int {
		return cmp.Or(cmp.Compare(bit(a.Little), bit(b.Little)), cmp.Compare(b.Ranges[2], a.Ranges[2]), cmp.Compare(a.Name, b.Name))
	})
	c := newCanvas(stackWidth, stackHeight)
	up := scale{0, 100, stackHeight - stackBottom, stackTop}
	for y := 0.0; y <= 100; y += 25 {
		c.line("gridline", stackLeft, up.of(y), stackWidth-stackRight, up.of(y))
		c.text("end", stackLeft-6, up.of(y)+4, number.Decimal(y, 0)+" %")
	}
	enough := slices.IndexFunc(all, func(s Share) bool { return s.Little })
	if enough < 0 {
		enough = len(all)
	}
	c.drawBars(all, enough, up)
	return Figure{
		Title: "Time in ranges",
		Note:  "A bar is a participant with readings in the dates, followed or not; most time in range first; from below very low, low, in range, high, very high. Pale bars at the right are of too little data.",
		SVG:   c.svg("distribution", "Time in ranges of each participant", shareSummary(all[:enough], len(all)-enough)),
		Data:  shareTable(all),
	}
}

// drawBars draws a bar for each; the first enough have enough data.
func (c *canvas) drawBars(all []Share, enough int, up scale) {
	slots := float64(len(all))
	if enough > 0 && enough < len(all) {
		slots += littleApart
	}
	step := min(widestBar, (stackWidth-stackLeft-stackRight)/max(1, slots))
	bar, x := step*0.84, stackLeft+step*0.08
	for i, s := range all {
		if i == enough && i > 0 {
			x += littleApart * step
		}
		class := "share"
		if s.Little {
			class = "share little"
		}
		fmt.Fprintf(&c.b, `<g class="%s"><title>%s</title>`, class, html.EscapeString(s.Name+": "+s.Ranges.Words()))
		below := 0.0
		for k, name := range rangeClasses() {
			if share := s.Ranges[k]; share > 0 {
				c.rect(name, x, up.of(below+share), bar, up.of(below)-up.of(below+share))
				below += share
			}
		}
		c.b.WriteString("</g>")
		x += step
	}
	c.line("axis", stackLeft, up.of(0), stackWidth-stackRight, up.of(0))
	c.drawKey(x)
}

// drawKey names the ranges beside the bars, in the order of a bar.
func (c *canvas) drawKey(x float64) {
	x = min(x+16, stackWidth-stackRight+10)
	for i, name := range rangeClasses() {
		y := stackTop + float64(4-i)*20
		c.rect(name, x, y, 10, 12)
		c.text("start", x+16, y+10, RangeWords()[i])
	}
}

// shareSummary says what the bars show of whom there is enough data.
func shareSummary(all []Share, little int) string {
	if len(all) == 0 {
		return fmt.Sprintf("Nobody with enough data, %d with too little.", little)
	}
	return fmt.Sprintf("%d participants with enough data: from %s to %s of the time in range, half of them %s or more. %d with too little data.",
		len(all), number.Percent(all[0].Ranges[2]), number.Percent(all[len(all)-1].Ranges[2]), number.Percent(all[(len(all)-1)/2].Ranges[2]), little)
}

func shareTable(all []Share) Table {
	words := RangeWords()
	t := Table{Columns: append(append(Words("participant"), Numbers(words[:]...)...), Words("data")...)}
	for _, s := range all {
		row := append([]string{s.Name}, number.AllTenths(s.Ranges[:]...)...)
		t.Rows = append(t.Rows, append(row, littleWords(s.Little)))
	}
	return t
}

func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

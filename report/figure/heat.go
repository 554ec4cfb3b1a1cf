package figure

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"

	"github.com/dexetl/dexetl/report/number"
)

// A HeatRow is what there is of one participant, day by day.
type HeatRow struct {
	Name    string
	Note    string // such as which date day 1 is
	First   int    // how many days after study day 1 Days begins; negative: before it
	Days    []Day
	Sensors []int // on which of Days a new sensor begins
}

// The room of a map.
const (
	heatWidth, heatTop    = 900.0, 22.0
	heatLeft, heatBeside  = 118.0, 8.0 // what names have at least, and what is free on either side of them
	heatCell, heatPitch   = 9.0, 14.0  // height of a cell, and of a row
	heatMark, leastMark   = 11.0, 2.4  // where the mark of a new sensor is, and how wide at least
	widestDay             = 12.0
	daysPerTick, leastGap = 14, 34.0
	leastWeek             = 12.0 // how wide a week is that is parted from the next one
)

// Heat is a map of participants and their study days: a cell is a day, a row a
// participant, one below the other. The id is unique in the page. A row is a few paths,
// one for each kind of day, whose neighbours of a kind are one: 1,000 participants and 90
// days take some hundred kB.
func Heat(id, title string, rows []HeatRow) Figure {
	from, to := heatSpan(rows)
	labels := rowLabels(rows)
	left := heatLeft
	for _, label := range labels {
		left = max(left, math.Ceil(widthOf(label))+2*heatBeside)
	}
	across := scale{float64(from), float64(to), left, left + min(heatWidth-left-8, widestDay*float64(to-from))}
	c := newCanvas(heatWidth, heatTop+heatPitch*float64(len(rows))+4)
	c.drawDays(across, from, to, len(rows))
	for i, row := range rows {
		c.drawHeatRow(row, labels[i], across, heatTop+heatPitch*float64(i))
	}
	c.drawWeeks(across, from, to, len(rows))
	return Figure{Title: title, SVG: c.svg(id, title, heatSummary(rows)), Data: heatTable(rows)}
}

// heatSpan are the first day of all rows and the one after the last; a day at least.
func heatSpan(rows []HeatRow) (from, to int) {
	first := true
	for _, row := range rows {
		if len(row.Days) == 0 {
			continue
		}
		if first {
			from, to, first = row.First, row.First+len(row.Days), false
		}
		from, to = min(from, row.First), max(to, row.First+len(row.Days))
	}
	return from, max(to, from+1)
}

// drawDays writes the study days above, and draws a line at each.
func (c *canvas) drawDays(across scale, from, to, rows int) {
	step := daysPerTick
	for float64(step)*(across.end-across.start)/float64(to-from) < leastGap {
		step *= 2
	}
	for day := from - ((from%step)+step)%step; day < to; day += step {
		if day < from {
			continue
		}
		x := across.of(float64(day))
		c.line("gridline", x, heatTop-5, x, heatTop+heatPitch*float64(rows))
		c.text("start", x, heatTop-8, strconv.Itoa(StudyDay(day)))
	}
	c.text("end", across.start-heatBeside, heatTop-8, "study day")
}

// drawWeeks parts the weeks, over the cells.
func (c *canvas) drawWeeks(across scale, from, to, rows int) {
	if 7*(across.of(1)-across.of(0)) < leastWeek {
		return
	}
	var d strings.Builder
	for day := from; day < to; day++ {
		if day%7 == 0 && day > from {
			fmt.Fprintf(&d, "M%s %sv%s", coordinate(across.of(float64(day))), coordinate(heatTop), coordinate(heatPitch*float64(rows)))
		}
	}
	if d.Len() > 0 {
		c.path("week", d.String())
	}
}

// StudyDay is the number of the day that is so many days after study day 1: there is no
// day 0.
func StudyDay(after int) int {
	if after < 0 {
		return after
	}
	return after + 1
}

func (c *canvas) drawHeatRow(row HeatRow, label string, across scale, y float64) {
	title := row.Name
	if row.Note != "" {
		title += ": " + row.Note
	}
	fmt.Fprintf(&c.b, `<g transform="translate(0 %s)"><title>%s</title><text class="end" x="%s" y="8.5">%s</text>`,
		coordinate(y), html.EscapeString(title), coordinate(across.start-heatBeside), html.EscapeString(label))
	for _, d := range Days() {
		if runs := dayRuns(row, d, across); runs != "" {
			c.path(d.Class(), runs)
		}
	}
	var marks strings.Builder
	for _, day := range row.Sensors {
		x, w := across.of(float64(row.First+day)), across.of(1)-across.of(0)
		fmt.Fprintf(&marks, "M%s %sh%s", coordinate(x), coordinate(heatMark), coordinate(max(leastMark, w)))
	}
	if marks.Len() > 0 {
		c.path("new-sensor", marks.String())
	}
	c.b.WriteString("</g>")
}

// dayRuns is the path of all days of a kind: one line for those in a row, which the style
// sheet draws as high as a cell.
func dayRuns(row HeatRow, d Day, across scale) string {
	var b strings.Builder
	for i := 0; i < len(row.Days); {
		end := i
		for end < len(row.Days) && row.Days[end] == d {
			end++
		}
		if end > i {
			x, to := tenths(across.of(float64(row.First+i))), tenths(across.of(float64(row.First+end)))
			fmt.Fprintf(&b, "M%s %sh%s", coordinate(x), coordinate(heatCell/2), coordinate(to-x))
		}
		i = end + 1
	}
	return b.String()
}

// tenths is a length as it is written, so that what is written adds up.
func tenths(x float64) float64 { return float64(int64(x*10+half(x))) / 10 }

// heatSummary says what the map shows, all rows together.
func heatSummary(rows []HeatRow) string {
	var counts [endOfDays]int
	days := 0
	for _, row := range rows {
		for _, d := range row.Days {
			counts[d]++
			days++
		}
	}
	days -= counts[Unknown]
	with := counts[Little] + counts[Some] + counts[Enough] + counts[Whole]
	said := []string{fmt.Sprintf("%d participants and %d study days: %s with readings", len(rows), days, number.Percent(100*float64(with)/float64(days)))}
	if days == 0 {
		return fmt.Sprintf("%d participants without study days.", len(rows))
	}
	for _, d := range Days() {
		if !d.HasReadings() && counts[d] > 0 {
			said = append(said, fmt.Sprintf("%d %s", counts[d], d.Words()))
		}
	}
	return strings.Join(said, ", ") + "."
}

// heatTable has the number of days of each kind, by participant.
func heatTable(rows []HeatRow) Table {
	t := Table{Columns: Words("participant")}
	t.Columns = append(t.Columns, Numbers("study days")...)
	for _, d := range Days() {
		t.Columns = append(t.Columns, Numbers(d.Words())...)
	}
	t.Columns = append(t.Columns, Numbers("new sensors")...)
	for _, row := range rows {
		var counts [endOfDays]int
		for _, d := range row.Days {
			counts[d]++
		}
		line := []string{row.Name, strconv.Itoa(len(row.Days) - counts[Unknown])}
		for _, d := range Days() {
			line = append(line, strconv.Itoa(counts[d]))
		}
		t.Rows = append(t.Rows, append(line, strconv.Itoa(len(row.Sensors))))
	}
	return t
}

package figure

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/number"
)

// A DailyView is local dates, each drawn by itself from midnight to midnight.
type DailyView struct {
	ID   string         // unique in its page; those of the days follow from it
	Days []DailyGlucose // in their order
	Unit number.Unit
}

// A DailyGlucose is what is known of a local date.
type DailyGlucose struct {
	Date           time.Time         // midnight of the wall clock
	Readings       []metrics.Reading // with a value and Local, by Time
	Carbs, Insulin []Dose
	First, Last    bool // of the dates: it may begin late, or end early
}

// A Dose is carbohydrates or insulin.
type Dose struct {
	Minute float64 // after local midnight
	Amount float64 // grams or units; NaN: it was not told
}

// Where a day is drawn.
const (
	dayWidth, dayHeight = 140, 118
	dayLeft, dayRight   = 22, 137
	dayTop, dayBottom   = 18, 92
	carbsAt, insulinAt  = 98, 105 // the middles of their marks
)

// Figure draws the days side by side, as many as there is room for.
func (d DailyView) Figure() Figure {
	f := Figure{Title: "Daily glucose", Data: Table{Columns: append(Words("date", "day"), Numbers("values", "in range", "below range", "above range", "mean "+string(d.Unit), "carbs g", "insulin units")...)}}
	var b strings.Builder
	b.WriteString(`<div class="days">`)
	for i, day := range d.Days {
		b.WriteString(`<div class="day">` + string(d.draw(fmt.Sprintf("%s-%d", d.ID, i+1), day)) + `</div>`)
		f.Data.Rows = append(f.Data.Rows, d.row(day))
	}
	b.WriteString(`</div>`)
	f.SVG = template.HTML(b.String())
	f.Note = fmt.Sprintf("Each from midnight to midnight by the local clock, from %s to %s %s; the band is the target range. The percentage is the day's time in range. A line ends where readings are missing.",
		d.Unit.Glucose(lowest), d.Unit.Glucose(highest), d.Unit)
	if slices.ContainsFunc(d.Days, func(day DailyGlucose) bool { return day.partWords() != "" }) {
		f.Note += " Where the first or last day is grey, there are no readings before or after it."
	}
	return f
}

// row are the numbers of a day.
func (d DailyView) row(day DailyGlucose) []string {
	all := metrics.DistributionOf(day.Readings)
	shares := rangeParts(all)
	return []string{
		day.Date.Format(time.DateOnly), day.Date.Format("Mon") + day.partWords(), number.Count(int64(all.N())), shares[0], shares[1], shares[2], d.Unit.Glucose(all.Mean()),
		amount(day.Carbs, 0, ""), amount(day.Insulin, 1, ""),
	}
}

// amount says doses together with their unit, which may be empty, and how many were entered
// without an amount: these add nothing.
func amount(doses []Dose, decimals int, unit string) string {
	sum, told := 0.0, 0
	for _, d := range doses {
		if !math.IsNaN(d.Amount) {
			sum += d.Amount
			told++
		}
	}
	untold := number.Count(int64(len(doses)-told)) + " without amount"
	switch {
	case len(doses) == 0:
		return number.None
	case told == 0:
		return untold
	case told == len(doses):
		return number.Amount(sum, decimals) + unit
	}
	return number.Amount(sum, decimals) + unit + ", and " + untold
}

// rangeParts say the shares in, below and above range, which part a day: what is written
// adds to 100.
func rangeParts(d metrics.Distribution) []string {
	return number.Percents(d.Pct(d.Within(70, 180)), d.Pct(d.Below(70)), d.Pct(d.Above(180)))
}

// draw draws a day.
func (d DailyView) draw(id string, day DailyGlucose) template.HTML {
	c := newCanvas(dayWidth, dayHeight)
	x, y := scale{0, 1440, dayLeft, dayRight}, glucoseScale(dayBottom, dayTop)
	all := metrics.DistributionOf(day.Readings)
	c.text("start strong small", 2, 11, day.Date.Format("Mon 2 Jan"))
	c.rect("target-band", dayLeft, y.of(180), dayRight-dayLeft, y.of(70)-y.of(180))
	for _, mgdL := range []float64{70, 180} {
		c.line("bound", dayLeft, y.of(mgdL), dayRight, y.of(mgdL))
		c.text("end tiny quiet", dayLeft-3, y.of(mgdL)+3, d.Unit.Glucose(mgdL))
	}
	for _, hour := range []int{0, 6, 12, 18, 24} {
		c.line("gridline", x.of(float64(hour*60)), dayTop, x.of(float64(hour*60)), dayBottom)
	}
	c.text("start tiny quiet", dayLeft, 116, "0")
	c.text("middle tiny quiet", x.of(720), 116, "12")
	c.text("end tiny quiet", dayRight, 116, "24")
	words := "No values."
	if all.N() > 0 {
		inRange := rangeParts(all)[0]
		c.text("end strong small", dayRight, 11, inRange)
		words = fmt.Sprintf("%s in range, mean %s %s, from %s to %s.", inRange, d.Unit.Glucose(all.Mean()), d.Unit, Measured(d.Unit, all.Min()), Measured(d.Unit, all.Max()))
		drawPart(c, day, x)
		drawReadings(c, day.Readings, x, y)
	} else {
		c.text("middle small quiet", (dayLeft+dayRight)/2, (dayTop+dayBottom)/2+4, "no values")
	}
	drawDoses(c, day, x)
	return c.svg(id, day.Date.Format("Monday 2006-01-02")+day.partWords(), words+doseWords(day))
}

// doseWords tell of carbohydrates and insulin, if there are any.
func doseWords(day DailyGlucose) (words string) {
	if n := len(day.Carbs); n > 0 {
		words += fmt.Sprintf(" Carbohydrates entered %s: %s.", times(n), amount(day.Carbs, 0, " g"))
	}
	if n := len(day.Insulin); n > 0 {
		words += fmt.Sprintf(" Insulin entered %s: %s.", times(n), amount(day.Insulin, 1, " units"))
	}
	return words
}

// times says how often.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return number.Count(int64(n)) + " times"
}

// leastMissing is how much is missing at the edge of a day that is not whole, minutes.
const leastMissing = 60

// part is from when to when there are readings, minutes after midnight, of the first day if
// it begins late and of the last if it ends early. A day that is whole goes from 0 to 1440.
func (d DailyGlucose) part() (from, to float64) {
	from, to = 0, 1440
	if len(d.Readings) == 0 {
		return from, to
	}
	if begin := minuteOf(d.Readings[0].Local); d.First && begin >= leastMissing {
		from = begin
	}
	newest := d.Readings[len(d.Readings)-1:]
	if end := minuteOf(newest[0].Local) + cadence(newest); d.Last && end <= 1440-leastMissing {
		to = end
	}
	return from, to
}

// partWords say which part of the day there is; nothing of a whole day.
func (d DailyGlucose) partWords() (words string) {
	from, to := d.part()
	if from > 0 {
		words += " from " + clock(int(from))
	}
	if to < 1440 {
		words += " to " + clock(int(to))
	}
	if words != "" {
		words = ", only" + words
	}
	return words
}

// drawPart greys what is missing of a day that is not whole, and says when it begins or ends
// where there is room.
func drawPart(c *canvas, day DailyGlucose, x scale) {
	from, to := day.part()
	grey := func(begin, end float64, words string) {
		if end <= begin {
			return
		}
		left, right := x.of(begin), x.of(end)
		c.rect("not-there", left, dayTop, right-left, dayBottom-dayTop)
		if right-left >= 48 {
			c.text("middle tiny quiet", (left+right)/2, dayTop+12, words)
		}
	}
	grey(0, from, "from "+clock(int(from)))
	grey(to, 1440, "to "+clock(int(to)))
}

// Measured says glucose as a sensor measures it: what lies beyond its range is less than
// its lowest value, or more than its highest.
func Measured(u number.Unit, mgdL float64) string {
	switch {
	case mgdL < lowest:
		return "< " + u.Glucose(lowest)
	case mgdL > highest:
		return "> " + u.Glucose(highest)
	}
	return u.Glucose(mgdL)
}

// drawDoses marks carbohydrates by triangles, and insulin by bars below them.
func drawDoses(c *canvas, day DailyGlucose, x scale) {
	for _, dose := range day.Carbs {
		at := x.of(dose.Minute)
		c.path("carbs", area([]point{{at - 3, carbsAt + 2.5}, {at, carbsAt - 2.5}}, []point{{at + 3, carbsAt + 2.5}}))
	}
	for _, dose := range day.Insulin {
		c.rect("insulin", x.of(dose.Minute)-0.75, insulinAt-3, 1.5, 6)
	}
}

// drawReadings draws a line, and fills what lies beyond the target range.
func drawReadings(c *canvas, readings []metrics.Reading, x, y scale) {
	var line strings.Builder
	for _, run := range unbroken(readings) {
		points := make([]value, len(run))
		for i, r := range run {
			points[i] = value{minuteOf(r.Local), r.GlucoseMgdL}
		}
		line.WriteString(trace(points, x, y))
		for _, beyond := range []struct {
			class string
			mgdL  float64
			sign  float64
		}{{"high", 180, 1}, {"very-high", 250, 1}, {"low", 70, -1}, {"very-low", 54, -1}} {
			if d := excursions(points, beyond.mgdL, beyond.sign, x, y); d != "" {
				c.path(beyond.class, d)
			}
		}
	}
	c.path("trace", line.String())
}

// A value is glucose at a time of day.
type value struct{ minute, mgdL float64 }

func (v value) at(x, y scale) point { return point{x.of(v.minute), y.height(v.mgdL)} }

// minuteOf is the time of day, with the seconds.
func minuteOf(local time.Time) float64 {
	return float64(local.Hour()*60+local.Minute()) + float64(local.Second())/60
}

// gapFactor times the cadence is how far apart two readings are at most that a line joins.
const gapFactor = 1.5

// unbroken divides readings where some are missing, or where the clock was set back.
func unbroken(readings []metrics.Reading) (runs [][]metrics.Reading) {
	first := 0
	for i := range readings {
		if i > 0 && (readings[i].Time.Sub(readings[i-1].Time).Minutes() > gapFactor*cadence(readings[i-1:i+1]) || readings[i].Local.Before(readings[i-1].Local)) {
			runs = append(runs, readings[first:i])
			first = i
		}
	}
	if len(readings) > 0 {
		runs = append(runs, readings[first:])
	}
	return runs
}

// cadence is the longer one of two readings, minutes.
func cadence(two []metrics.Reading) float64 {
	longest := 0
	for _, r := range two {
		minutes := r.CadenceMin
		if minutes == 0 {
			minutes = 5
		}
		longest = max(longest, minutes)
	}
	return float64(longest)
}

// trace is the path data of a run; a value alone is a short line.
func trace(run []value, x, y scale) string {
	points := make([]point, 0, len(run)+1)
	for _, v := range run {
		points = append(points, v.at(x, y))
	}
	if len(points) == 1 {
		points = append(points, point{points[0].x + 0.5, points[0].y})
	}
	return polyline(points)
}

// excursions is the path data of what lies beyond a bound, both times the sign, down to it;
// empty: nothing does.
func excursions(run []value, bound, sign float64, x, y scale) string {
	var b strings.Builder
	var edge []point
	cross := func(from, to value) {
		part := (bound - from.mgdL) / (to.mgdL - from.mgdL)
		edge = append(edge, value{from.minute + part*(to.minute-from.minute), bound}.at(x, y))
	}
	end := func() {
		if len(edge) > 1 {
			b.WriteString(area(edge, []point{{edge[0].x, y.height(bound)}, {edge[len(edge)-1].x, y.height(bound)}}))
		}
		edge = edge[:0]
	}
	for i, v := range run {
		beyond := sign*v.mgdL > sign*bound
		before := i > 0 && sign*run[i-1].mgdL > sign*bound
		if i > 0 && beyond != before {
			cross(run[i-1], v)
		}
		if beyond {
			edge = append(edge, v.at(x, y))
		} else if before {
			end()
		}
	}
	end()
	return b.String()
}

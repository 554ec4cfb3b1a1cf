package figure

import (
	"fmt"
	"strings"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/number"
)

// A DayProfile is a standard day: percentiles by local time of day.
type DayProfile struct {
	ID    string        // unique in its page
	Bins  []metrics.Bin // by StartMin; those without a value may be missing
	Width int           // of a bin, minutes; it divides 1440
	Unit  number.Unit
}

// SufficientDays are those that a time of day needs for percentiles to be drawn.
const SufficientDays = 5

// profilePercentile is a place in metrics.ProfilePercentiles.
type profilePercentile int

// The percentiles that are drawn.
const (
	p5  profilePercentile = 0
	p25 profilePercentile = 2
	p50 profilePercentile = 3
	p75 profilePercentile = 4
	p95 profilePercentile = 6
)

func drawnPercentiles() []profilePercentile { return []profilePercentile{p5, p25, p50, p75, p95} }

func (p profilePercentile) of(b metrics.Bin) float64 { return b.Percentiles[p] }

func (p profilePercentile) name() string {
	return number.Decimal(metrics.ProfilePercentiles()[p], 0) + " %"
}

// Where the curve is drawn.
const (
	profileWidth, profileHeight = 900, 340
	profileLeft, profileRight   = 52, 852
	profileTop, profileBottom   = 10, 306
)

// Figure draws the day.
func (p DayProfile) Figure() Figure {
	c := newCanvas(profileWidth, profileHeight)
	y, x := glucoseScale(profileBottom, profileTop), scale{0, 1440, profileLeft, profileRight}
	c.rect("target-band", profileLeft, y.of(180), profileRight-profileLeft, y.of(70)-y.of(180))
	p.axes(c, x, y)
	few := p.few(c, x)
	runs := p.runs()
	for _, run := range runs {
		c.path("outer-band", area(p.edge(run, p95, x, y), p.edge(run, p5, x, y)))
		c.path("inner-band", area(p.edge(run, p75, x, y), p.edge(run, p25, x, y)))
		c.path("outer-edge", polyline(p.edge(run, p95, x, y)))
		c.path("outer-edge", polyline(p.edge(run, p5, x, y)))
	}
	for _, run := range runs {
		c.path("median", polyline(p.edge(run, p50, x, y)))
	}
	if len(runs) > 0 {
		p.labels(c, y, runs[len(runs)-1])
	} else {
		c.text("middle strong", (profileLeft+profileRight)/2, (profileTop+profileBottom)/2, fmt.Sprintf("No time of day has values on %d days", SufficientDays))
	}
	f := Figure{Title: "Day profile: glucose by time of day", Data: p.data()}
	f.Note = p.legend(len(runs) > 0, few > 0)
	f.SVG = c.svg(p.ID, f.Title, p.words(runs))
	return f
}

// legend says what lines, bands and hatches are, of those that there are.
func (p DayProfile) legend(drawn, few bool) (words string) {
	if drawn {
		words = fmt.Sprintf("Line: median. Dark band: the middle half (25th to 75th percentile). Light band: 5th to 95th percentile. Between the dotted lines: target range, %s to %s %s. ",
			p.Unit.Glucose(70), p.Unit.Glucose(180), p.Unit)
	}
	if few {
		words += fmt.Sprintf("Hatched: times of day with values on fewer than %d days, of which no percentiles are drawn.", SufficientDays)
	}
	return strings.TrimSpace(words)
}

// axes are thresholds and hours.
func (p DayProfile) axes(c *canvas, x, y scale) {
	for _, mgdL := range []float64{54, 70, 180, 250, 350} {
		class := "gridline"
		if mgdL == 70 || mgdL == 180 {
			class = "bound"
		}
		c.line(class, profileLeft, y.of(mgdL), profileRight, y.of(mgdL))
		label := "end axis-label"
		if mgdL == 54 {
			label += " crowded" // by 70
		}
		c.text(label, profileLeft-8, y.of(mgdL)+4, p.Unit.Glucose(mgdL))
	}
	c.text("end axis-label quiet", profileLeft-8, profileTop+9, string(p.Unit))
	for hour := 0; hour <= 24; hour += 3 {
		at := x.of(float64(hour * 60))
		c.line("gridline", at, profileTop, at, profileBottom+4)
		c.text("middle axis-label", at, profileBottom+20, clock(hour*60))
	}
	c.line("axis", profileLeft, profileBottom, profileRight, profileBottom)
}

// few marks times of day that have too few days, and counts them.
func (p DayProfile) few(c *canvas, x scale) (n int) {
	for start := 0; start < 1440; {
		end := start
		for end < 1440 && !p.enough(end) {
			end += p.Width
		}
		if end > start {
			n++
			hatch(c, x.of(float64(start)), profileTop, x.of(float64(end))-x.of(float64(start)), profileBottom-profileTop)
		}
		start = max(end, start+p.Width)
	}
	return n
}

// hatch fills a rectangle with lines that fall to the left.
func hatch(c *canvas, left, top, width, height float64) {
	c.rect("too-few", left, top, width, height)
	for offset := 8.0; offset < width+height; offset += 12 {
		from := point{left + min(offset, width), top + max(0, offset-width)}
		to := point{left + max(0, offset-height), top + min(offset, height)}
		c.line("hatch", from.x, from.y, to.x, to.y)
	}
}

func (p DayProfile) enough(startMin int) bool {
	for _, b := range p.Bins {
		if b.StartMin == startMin {
			return b.Days >= SufficientDays
		}
	}
	return false
}

// runs are bins that follow each other and have enough days.
func (p DayProfile) runs() (runs [][]metrics.Bin) {
	for i, b := range p.Bins {
		switch {
		case b.Days < SufficientDays:
		case i > 0 && p.Bins[i-1].Days >= SufficientDays && p.Bins[i-1].StartMin+p.Width == b.StartMin:
			runs[len(runs)-1] = append(runs[len(runs)-1], b)
		default:
			runs = append(runs, []metrics.Bin{b})
		}
	}
	return runs
}

// edge is a percentile of a run: in the middle of each bin, and level to both ends.
func (p DayProfile) edge(run []metrics.Bin, which profilePercentile, x, y scale) (line []point) {
	first, last := run[0], run[len(run)-1]
	line = append(line, point{x.of(float64(first.StartMin)), y.height(which.of(first))})
	for _, b := range run {
		line = append(line, point{x.of(float64(b.StartMin) + float64(p.Width)/2), y.height(which.of(b))})
	}
	return append(line, point{x.of(float64(last.StartMin + p.Width)), y.height(which.of(last))})
}

// labels name the percentiles beside the end of a run.
func (p DayProfile) labels(c *canvas, y scale, run []metrics.Bin) {
	last, all := run[len(run)-1], drawnPercentiles()
	places := make([]float64, len(all))
	for i := range all {
		places[i] = y.height(all[len(all)-1-i].of(last)) + 4
	}
	for i, place := range spread(places, 13, profileTop+8, profileBottom) {
		c.text("start percentile quiet", profileRight+7, place, all[len(all)-1-i].name())
	}
}

// words say what the curve shows.
func (p DayProfile) words(runs [][]metrics.Bin) string {
	var lowestAt, highestAt metrics.Bin
	for _, run := range runs {
		for _, b := range run {
			if lowestAt.Percentiles == nil || p50.of(b) < p50.of(lowestAt) {
				lowestAt = b
			}
			if highestAt.Percentiles == nil || p50.of(b) > p50.of(highestAt) {
				highestAt = b
			}
		}
	}
	said := fmt.Sprintf("Percentiles of glucose in %d-minute bins from midnight to midnight, local time.", p.Width)
	if lowestAt.Percentiles == nil {
		return said + " There are too few days for any."
	}
	return said + fmt.Sprintf(" The median is lowest at %s with %s and highest at %s with %s %s.",
		clock(lowestAt.StartMin), p.Unit.Glucose(p50.of(lowestAt)), clock(highestAt.StartMin), p.Unit.Glucose(p50.of(highestAt)), p.Unit)
}

// data are the numbers of every bin; percentiles only where they are drawn.
func (p DayProfile) data() Table {
	t := Table{Columns: append(Words("local time"), Numbers("days", "values")...)}
	for _, which := range drawnPercentiles() {
		t.Columns = append(t.Columns, Numbers(which.name())...)
	}
	for _, b := range p.Bins {
		row := []string{clock(b.StartMin), fmt.Sprint(b.Days), fmt.Sprint(b.Values)}
		for _, which := range drawnPercentiles() {
			said := number.None
			if b.Days >= SufficientDays {
				said = p.Unit.Glucose(which.of(b))
			}
			row = append(row, said)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

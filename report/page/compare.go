package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/number"
)

// A Compare is the page of two windows of everybody: one before, and one after.
type Compare struct {
	Windows [2]Window
	Unit    number.Unit
	NeedPct float64 // of a window that readings cover at least
	Arms    bool    // they are shown
	People  int     // of the report
	Pairs   []Pair  // those with enough readings in both windows
	LeftOut []Pair  // the others
	Groups  []CompareGroup
	Bounds  []float64 // of targets for adults, as ComparedMetrics; NaN: there is none
	Figure  figure.Figure
}

// A Window is one of windows.csv.
type Window struct {
	Name        string
	First, Last time.Time // local dates that most have; zero: nobody has any
	People      int       // who have the window
	Others      int       // of them, who have other dates or none
}

// A Pair is both windows of a participant.
type Pair struct {
	ID, Arm   string
	Why       [2]Lack
	Days      [2]int       // of the windows; 0: they have no dates
	ActivePct [2]float64   // NaN: none is known
	Of        [2][]float64 // as ComparedMetrics
	Met       [2][]bool    // as AllTargets
	Shares    bool         // the windows have days together
}

// A Lack is why a window of somebody does not count.
type Lack int

// The reasons.
const (
	Nothing    Lack = iota
	NoWindow        // windows.csv has none of theirs
	NoDates         // it is in study days, and there is no anchor date
	NoReadings      // with a value
	TooFew          // readings
)

// Sharing is how many of the pairs have windows with days together.
func (c Compare) Sharing() (n int) {
	for _, p := range c.Pairs {
		if p.Shares {
			n++
		}
	}
	return n
}

// short reports whether a window is shorter than what GMI and targets are meant for.
func (p Pair) short(window int) bool { return p.Days[window] < fullDays }

// Shorter says of each window for how many pairs it is shorter than what GMI and targets are
// meant for; nothing where it is for none.
func (c Compare) Shorter() (all []string) {
	for i, window := range c.Windows {
		n := 0
		for _, p := range c.Pairs {
			if p.short(i) {
				n++
			}
		}
		if n > 0 {
			all = append(all, fmt.Sprintf("Window %s has fewer than %d days for %d of %d participants.", window.Name, fullDays, n, len(c.Pairs)))
		}
	}
	return all
}

// Grey reports whether a window is too short for some of the group to rely on GMI and
// targets.
func (g CompareGroup) Grey(window int) bool {
	return slices.ContainsFunc(g.Pairs, func(p Pair) bool { return p.short(window) })
}

// GreyDifference reports whether one of the windows is.
func (g CompareGroup) GreyDifference() bool { return g.Grey(0) || g.Grey(1) }

// IsGMI reports whether a metric is meant for 14 days.
func (m Compared) IsGMI() bool { return m.Column == "gmi_pct" }

// Counts reports whether both windows count.
func (p Pair) Counts() bool { return p.Why == [2]Lack{} }

// Compare orders pairs by arm and id.
func (p Pair) Compare(other Pair) int {
	return cmp.Or(cmp.Compare(p.Arm, other.Arm), cmp.Compare(p.ID, other.ID))
}

// A Compared is a metric of both windows.
type Compared struct {
	Column string // as in metric_catalogue
	kind   comparedKind
}

// A comparedKind says how a metric is printed.
type comparedKind int

const (
	share comparedKind = iota
	glucose
	percentage // but no share
	index
)

// ComparedMetrics are those that are compared, in their order.
func ComparedMetrics() []Compared {
	return []Compared{
		{"tir_pct", share}, {"tbr70_pct", share}, {"tbr54_pct", share}, {"tar180_pct", share}, {"tar250_pct", share}, {"mean_mgdl", glucose},
		{"gmi_pct", percentage}, {"cv_pct", percentage}, {"gri", index}, {"active_window_pct", share},
	}
}

// AllTargets are the metrics that say whether all targets of a population are met.
func AllTargets() []Compared {
	return []Compared{{"adult_targets_met", index}, {"high_risk_targets_met", index}, {"pregnancy_targets_met", index}}
}

// A CompareGroup is everybody, or an arm.
type CompareGroup struct {
	ID      string // unique in the page
	Name    string // empty: everybody
	Pairs   []Pair
	LeftOut int
	Lines   []ComparedLine // as ComparedMetrics
	AllMet  [][2]int       // as AllTargets: how many meet them
}

// A ComparedLine is a metric over those of a group.
type ComparedLine struct {
	Compared
	Of         [2]Spread
	Difference Spread // of the pairs, after less before
	Goal       string // for adults; empty: there is none
	Met        [2]int // how many meet it
}

// A Spread is how values are distributed; NaN where there are too few.
type Spread struct{ Mean, SD, Median, Q25, Q75 float64 }

func (Compare) template() string { return "compare" }

// Name names the metric.
func (c Compare) Name(m Compared) string {
	g := func(mgdL float64) string { return c.Unit.Glucose(mgdL) }
	in := " " + string(c.Unit)
	return map[string]string{
		"tir_pct": "Time in range, " + g(70) + "–" + g(180) + in, "tbr70_pct": "Time below " + g(70) + in, "tbr54_pct": "Time below " + g(54) + in,
		"tar180_pct": "Time above " + g(180) + in, "tar250_pct": "Time above " + g(250) + in, "mean_mgdl": "Mean glucose," + in, "gmi_pct": "GMI", "cv_pct": "CV", "gri": "Glycemia risk index",
		"active_window_pct": "Time active",
	}[m.Column]
}

// Short is the name as the head of a column.
func (c Compare) Short(m Compared) string {
	return map[string]string{
		"tir_pct": "in range, %", "tbr70_pct": "below " + c.Unit.Glucose(70) + ", %", "tbr54_pct": "below " + c.Unit.Glucose(54) + ", %", "tar180_pct": "above " + c.Unit.Glucose(180) + ", %", "tar250_pct": "above " + c.Unit.Glucose(250) + ", %",
		"mean_mgdl": "mean, " + string(c.Unit), "gmi_pct": "GMI, %", "cv_pct": "CV, %", "gri": "GRI", "active_window_pct": "active, %",
	}[m.Column]
}

// say says a value of a metric.
func (c Compare) say(m Compared, x float64) string {
	switch m.kind {
	case share:
		return number.Tenths(x)
	case glucose:
		return c.Unit.Glucose(x)
	case percentage:
		return percentOf(x, 1)
	}
	return number.Decimal(x, 0)
}

// beside says a value of somebody in the metric at a place, so that it agrees with whether
// the target is met.
func (c Compare) beside(place int, x float64) string {
	if place < len(c.Bounds) && !math.IsNaN(c.Bounds[place]) {
		return Beside(x, 1, c.Bounds[place])
	}
	return c.say(ComparedMetrics()[place], x)
}

// bare says a value without its sign.
func (c Compare) bare(m Compared, x float64) string {
	switch m.kind {
	case glucose:
		return c.Unit.Glucose(x)
	case index:
		return number.Decimal(x, 0)
	}
	return number.Decimal(x, 1)
}

// signed says a difference.
func (c Compare) signed(m Compared, x float64) string {
	switch {
	case m.kind == glucose:
		decimals := 0
		if c.Unit == number.MmolL {
			decimals = 1
		}
		return number.Signed(c.Unit.Of(x), decimals)
	case m.kind == index:
		return number.Signed(x, 0)
	}
	return number.Signed(x, 1)
}

// MeanSD and MedianIQR say how a metric is distributed.
func (c Compare) MeanSD(m Compared, s Spread) string {
	return c.say(m, s.Mean) + " (" + c.bare(m, s.SD) + ")"
}
func (c Compare) MedianIQR(m Compared, s Spread) string {
	return c.say(m, s.Median) + " (" + c.bare(m, s.Q25) + " to " + c.bare(m, s.Q75) + ")"
}

// DifferenceMean and DifferenceMedian say how the differences are distributed.
func (c Compare) DifferenceMean(m Compared, s Spread) string {
	return c.signed(m, s.Mean) + " (" + c.bare(m, s.SD) + ")"
}
func (c Compare) DifferenceMedian(m Compared, s Spread) string {
	return c.signed(m, s.Median) + " (" + c.signed(m, s.Q25) + " to " + c.signed(m, s.Q75) + ")"
}

// Of says how many of a group something is true of.
func (g CompareGroup) Of(n int) string {
	if len(g.Pairs) == 0 {
		return number.None
	}
	return fmt.Sprintf("%d of %d (%s)", n, len(g.Pairs), number.Percent(100*float64(n)/float64(len(g.Pairs))))
}

// Metrics are those that are compared.
func (Compare) Metrics() []Compared { return ComparedMetrics() }

// Populations are whom the targets of CompareGroup.AllMet are for.
func (Compare) Populations() [3]string { return Populations() }

// PairTable are the pairs, one by one.
func (c Compare) PairTable() figure.Table {
	t := figure.Table{Name: "Each participant", Columns: figure.Words("participant")}
	if c.Arms {
		t.Columns = figure.Words("participant", "arm")
	}
	for i, m := range ComparedMetrics() {
		t.Columns = append(t.Columns, figure.Numbers(c.Short(m))...)
		if i == 0 {
			t.Columns = append(t.Columns, figure.Numbers("difference")...)
		}
	}
	for _, p := range c.Pairs {
		row := []string{p.ID}
		if c.Arms {
			row = append(row, p.Arm)
		}
		for i, m := range ComparedMetrics() {
			row = append(row, c.one(p, 0, i)+" → "+c.one(p, 1, i))
			if i == 0 {
				row = append(row, c.signed(m, p.Of[1][i]-p.Of[0][i]))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// one says the metric at a place of a window of somebody, without its sign: a GMI of a
// window that is too short for it is in brackets.
func (c Compare) one(p Pair, window, place int) string {
	said := unsigned(c.beside(place, p.Of[window][place]))
	if ComparedMetrics()[place].IsGMI() && p.short(window) && said != number.None {
		return "(" + said + ")"
	}
	return said
}

// unsigned is a percentage whose sign stands in the head of its column.
func unsigned(said string) string { return strings.TrimSuffix(said, " %") }

// LeftOutTable says who is left out, and why.
func (c Compare) LeftOutTable() figure.Table {
	t := figure.Table{Name: "Left out", Columns: figure.Words("participant")}
	if c.Arms {
		t.Columns = figure.Words("participant", "arm")
	}
	t.Columns = append(t.Columns, figure.Words(c.Windows[0].Name, c.Windows[1].Name)...)
	for _, p := range c.LeftOut {
		row := []string{p.ID}
		if c.Arms {
			row = append(row, p.Arm)
		}
		t.Rows = append(t.Rows, append(row, c.why(p, 0), c.why(p, 1)))
	}
	return t
}

// why says why a window does not count.
func (c Compare) why(p Pair, i int) string {
	switch p.Why[i] {
	case NoWindow:
		return "has no such window"
	case NoDates:
		return "has no dates: no anchor date in the roster"
	case NoReadings:
		return "no readings"
	case TooFew:
		return fmt.Sprintf("too few readings: %s of %s needed", tooLittle(p.ActivePct[i], c.NeedPct), number.Percent(c.NeedPct))
	}
	return "enough readings: " + number.Percent(p.ActivePct[i])
}

// Dates says when a window is.
func (w Window) Dates() string {
	switch {
	case w.People == 0:
		return "nobody has it"
	case w.First.IsZero():
		return "nobody has dates for it"
	}
	words := datesWords(w.First, w.Last)
	if w.Others > 0 {
		words += fmt.Sprintf(" (%d of %d: other dates)", w.Others, w.People)
	}
	return words
}

// Title names a group.
func (g CompareGroup) Title() string {
	if g.Name == "" {
		return "All participants"
	}
	return "Arm: " + g.Name
}

// Need says how much is enough.
func (c Compare) Need() string { return number.Percent(c.NeedPct) }

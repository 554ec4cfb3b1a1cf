package page

import (
	"html/template"
	"time"

	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/number"
)

// A Completeness is the page of what there is of each day, and where it is missing.
type Completeness struct {
	Stamp                        Stamp
	Maps                         []figure.Figure // by site, some 50 participants each
	ByAnchor, ByStart, ByReading int             // whose day 1 is the anchor date, the study start, the first date with a reading
	BeforeConsent                []string        // who has readings of days before the date of consent
	Readings                     Readings
	Lag                          figure.Figure
	Kinds                        []*GapKind // those that most hours are of first
	Gaps                         []Gap      // the longest ones, longest first
	MoreGaps                     int
}

// A Gap is a time without readings.
type Gap struct {
	Participant string
	Start, End  time.Time // wall clock, or UTC; zero: not known, or there is no end yet
	Hours       float64
	UTC         bool   // they are of UTC: nothing says the local time
	Kind        string // as in the view gaps, or Valueless
}

// Valueless is the kind of gap of somebody of whom there are readings, and none has a value.
const Valueless = "valueless"

// A GapKind is what gaps of a kind add up to.
type GapKind struct {
	Kind  string
	Gaps  int
	Hours float64
}

func (Completeness) template() string { return "completeness" }

// BlockTitle names a map: the site, and from whom to whom it goes.
func BlockTitle(site, first, last string) string {
	title := first
	if last != first {
		title += " to " + last
	}
	if site != "" {
		return site + ": " + title
	}
	return title
}

// Days are the kinds of days, for the legend.
func (Completeness) Days() []figure.Day { return figure.Days() }

// Patterns, Swatch and SensorSwatch draw the legend.
func (Completeness) Patterns() template.HTML           { return figure.DayPatterns() }
func (Completeness) Swatch(d figure.Day) template.HTML { return figure.Swatch(d) }
func (Completeness) SensorSwatch() template.HTML       { return figure.SensorSwatch() }

// KindWords say of which kind a gap is.
func (g Gap) KindWords() string { return gapWords(g.Kind) }

// KindWords say of which kind the gaps are.
func (k GapKind) KindWords() string { return gapWords(k.Kind) }

func gapWords(kind string) string {
	switch kind {
	case "sensor_change":
		return "change of sensor"
	case "loss":
		return "same sensor before and after"
	case "unknown":
		return "sensor not known"
	case "open":
		return "since the last reading"
	case "never":
		return "no reading at all"
	case Valueless:
		return "no reading with a value"
	}
	return kind
}

// HoursWords are the hours with one decimal.
func (g Gap) HoursWords() string { return number.Decimal(g.Hours, 1) }

// HoursWords are the hours, whole.
func (k GapKind) HoursWords() string { return number.Decimal(k.Hours, 0) }

// StartWords and EndWords are its ends on the wall clock.
func (g Gap) StartWords() string { return g.clock(g.Start) }
func (g Gap) EndWords() string   { return g.clock(g.End) }

func (g Gap) clock(at time.Time) string {
	switch {
	case at.IsZero():
		return number.None
	case g.UTC:
		return at.Format("2006-01-02 15:04 UTC")
	}
	return at.Format("2006-01-02 15:04")
}

package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/number"
)

// A Profile is the glucose profile of a participant over some dates, in the style of an
// ambulatory glucose profile.
type Profile struct {
	Who      Who
	Beside   []Link // to the participants before and after
	Dates    ProfileDates
	Unit     number.Unit
	Values   int // readings with a value in the dates
	Readings int // in the dates, with or without a value
	Excluded int // readings in exclusions, which count nowhere
	Unplaced int // readings without local time, which are in no figure

	Summary                Summary
	Ranges, DayBins, Daily figure.Figure
	Targets                []Target
	Rates                  []EpisodeRate
	Episodes               []Episode // by kind and time
	Entries                []Entry   // carbohydrates and insulin of the days of Daily, by time
	Method                 Method
}

// Who is a participant as a page names them. What is empty is not said.
type Who struct {
	ID, Site, Cohort, Arm string
	Consent               string    // how it stands
	ToDo                  string    // what has to be done next
	LastSeen              time.Time // local date of the last reading; zero: there is none

	Newest   time.Time     // reading that the study holds, on the wall clock of the roster's zone; zero: none
	Zoneless bool          // the roster has no zone: Newest is UTC
	Age      time.Duration // of Newest
}

// ProfileDates are what a profile is of.
type ProfileDates struct {
	First, Last time.Time // local dates, both inclusive; zero: there are none
	Days        int
	ActivePct   float64 // how much of them readings cover; NaN without dates
	NeedPct     float64 // how much is enough
	Sufficient  bool
	Sought      int  // so many days in a row with enough data were looked for; 0: the dates were given
	Found       bool // they were found
	Outside     bool // no day of the study lies in the dates that were asked for: there are none
}

// Summary are statistics over the dates; NaN where there are too few values.
type Summary struct {
	MeanMgdL, SDMgdL, MedianMgdL, Q25MgdL, Q75MgdL float64
	GMIPct, CVPct, GRI                             float64
	GRIZone                                        string
	ExposureDays                                   float64 // in which an episode would have been seen
}

// A Target is what the consensus says of a metric, for three populations.
type Target struct {
	Metric  string // as in metric_catalogue
	Value   float64
	Printed string     // the value
	Of      [3]Verdict // adults, older or at high risk, pregnancy
}

// A Verdict is what a population's target says of a value; zero: it has none.
type Verdict struct {
	Goal       string // such as "> 70 %"
	Met, Known bool
}

// Populations are those of Target.Of.
func Populations() [3]string {
	return [3]string{"Adults with type 1 or 2", "Older, or at high risk", "Pregnancy with type 1"}
}

// A Method says how a profile is made.
type Method struct {
	BinMin         int
	SufficientDays int // of a time of day
	NeedPct        float64
	EpisodePreset  string
	NightFromMin   int // minutes after local midnight
	NightToMin     int
	Sentinels      int // values beyond the measuring range
}

func (Profile) template() string { return "profile" }

// Empty reports whether there is nothing to draw.
func (p Profile) Empty() bool { return p.Values == 0 }

// Doubtful reports whether the data are not sufficient for what is meant for 14 days.
func (p Profile) Doubtful() bool { return p.Dates.TooLittle() }

// Facts are those below the title.
func (p Profile) Facts() (facts []Fact) {
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, Fact{name, text})
		}
	}
	add("Participant", p.Who.ID)
	if !p.Dates.First.IsZero() {
		add("Local dates", datesWords(p.Dates.First, p.Dates.Last))
		add("Days", fmt.Sprint(p.Dates.Days))
	}
	if !p.Empty() {
		add("Time active", number.Percent(p.Dates.ActivePct))
	}
	add("Site", p.Who.Site)
	add("Cohort", p.Who.Cohort)
	add("Arm", p.Who.Arm)
	return facts
}

// A Fact is a name with what it is.
type Fact struct{ Name, Text string }

// Lacks says what is missing where the data are not sufficient; none: nothing is.
func (p Profile) Lacks() (all []string) {
	d := p.Dates
	if p.Empty() || !d.TooLittle() {
		return nil
	}
	if !d.Sufficient {
		all = append(all, fmt.Sprintf("Readings cover %s of %s; %s or more are needed.", tooLittle(d.ActivePct, d.NeedPct), ofThese(d.Days), number.Percent(d.NeedPct)))
	}
	if d.Sought > 0 && !d.Found {
		all = append(all, notFound(d.Sought))
	}
	if d.Days < fullDays {
		all = append(all, fmt.Sprintf("%s; GMI and targets are meant for %d.", theseAre(d.Days), fullDays))
	}
	return append(all, "GMI and targets are shown in grey: do not rely on them.")
}

// theseAre says how many days the dates are.
func theseAre(n int) string {
	if n == 1 {
		return "This is 1 day"
	}
	return "These are " + days(n)
}

// ofThese names the days of the dates.
func ofThese(n int) string {
	if n == 1 {
		return "this day"
	}
	return "these " + days(n)
}

// notFound says that so many days in a row with enough readings were not found.
func notFound(sought int) string {
	if sought == 1 {
		return "There is no day with enough readings, so this is the last one."
	}
	return fmt.Sprintf("There are no %d days in a row with enough readings, so these are the last ones.", sought)
}

// tooLittle says a share that is less than what is needed, also where both are rounded alike.
func tooLittle(share, need float64) string {
	if said := number.Percent(share); said != number.Percent(need) {
		return said
	}
	return "just under " + number.Percent(need)
}

// datesWords say from which date to which, or the one date that there is.
func datesWords(first, last time.Time) string {
	if first.Equal(last) {
		return first.Format(time.DateOnly)
	}
	return first.Format(time.DateOnly) + " to " + last.Format(time.DateOnly)
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// Tiles are the four numbers that one looks at first.
func (p Profile) Tiles() []Tile {
	s := p.Summary
	gri := Tile{Name: "Glycemia risk index", Value: number.Decimal(s.GRI, 0), Note: "0 is best, 100 is worst"}
	if s.GRIZone != "" {
		gri.Note = "zone " + s.GRIZone + " of A (best) to E"
	}
	gmi := Tile{Name: "GMI", Value: percentOf(s.GMIPct, 1), Note: "glucose management indicator"}
	if p.Doubtful() {
		gmi.Doubtful, gmi.Note = true, "not reliable: too few data"
	}
	return []Tile{
		{Name: "Mean glucose", Value: p.Unit.Glucose(s.MeanMgdL), Unit: string(p.Unit), Note: "SD " + p.Unit.Glucose(s.SDMgdL)},
		gmi,
		{Name: "Variability (CV)", Value: Beside(s.CVPct, 1, 36), Note: "target 36 % or less"},
		gri,
	}
}

// A Tile is a number that stands out.
type Tile struct {
	Name, Value, Unit, Note string
	Doubtful                bool // greyed
}

// More are further statistics.
func (p Profile) More() []Fact {
	s := p.Summary
	return []Fact{
		{"Median", p.Unit.Glucose(s.MedianMgdL) + " " + string(p.Unit)},
		{"Middle half", p.Unit.Glucose(s.Q25MgdL) + " to " + p.Unit.Glucose(s.Q75MgdL) + " " + string(p.Unit)},
		{"Values", number.Count(int64(p.Values))},
	}
}

// Exposure is in how many days an episode would have been seen.
func (p Profile) Exposure() string { return number.Decimal(p.Summary.ExposureDays, 1) }

// Measured is the measuring range of sensors.
func (p Profile) Measured() string {
	return p.Unit.Glucose(40) + " to " + p.Unit.Glucose(400) + " " + string(p.Unit)
}

// Beyond is how far beyond that range a value counts that the sensor did not measure.
func (p Profile) Beyond() string {
	if p.Unit == number.MmolL {
		return number.Decimal(p.Unit.Of(1), 2) + " " + string(p.Unit)
	}
	return "1 " + string(p.Unit)
}

// Count says how many.
func (Profile) Count(n int) string { return number.Count(int64(n)) }

// Populations are the heads of the targets' columns.
func (Profile) Populations() [3]string { return Populations() }

// Latest says that the daily view is of the last of the dates alone; empty: it is of all.
func (p Profile) Latest() string {
	if shown := len(p.Daily.Data.Rows); shown < p.Dates.Days {
		return fmt.Sprintf("the last %s of %d", days(shown), p.Dates.Days)
	}
	return ""
}

// Together says whether all targets of a population are met.
func (p Profile) Together() (all [3]Verdict) {
	for i := range all {
		all[i] = Verdict{Met: true, Known: true}
		for _, t := range p.Targets {
			if t.Of[i].Goal != "" {
				all[i].Met = all[i].Met && t.Of[i].Met
				all[i].Known = all[i].Known && t.Of[i].Known
			}
		}
	}
	return all
}

// Word is whether a target is met.
func (v Verdict) Word() string {
	switch {
	case !v.Known:
		return "not known"
	case v.Met:
		return "met"
	}
	return "not met"
}

// Class is that of the word.
func (v Verdict) Class() string { return strings.ReplaceAll(v.Word(), " ", "-") }

// Silent says when the newest reading was, where that is more than a day ago.
func (w Who) Silent() string {
	if w.Newest.IsZero() || w.Age <= 24*time.Hour {
		return ""
	}
	at := w.Newest.Format("2006-01-02 15:04")
	if w.Zoneless {
		at += " UTC"
	}
	return fmt.Sprintf("%s, %s ago", at, age(w.Age))
}

// Last says when the last reading was.
func (w Who) Last() string {
	if w.LastSeen.IsZero() {
		return ""
	}
	return w.LastSeen.Format(time.DateOnly)
}

// Need says how much is enough.
func (m Method) Need() string { return number.Percent(m.NeedPct) }

// Night says when night is.
func (m Method) Night() string { return clock(m.NightFromMin) + " to " + clock(m.NightToMin) }

func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// Measure names the metric of a target.
func (p Profile) Measure(t Target) string {
	g := func(mgdL float64) string { return p.Unit.Glucose(mgdL) }
	switch t.Metric {
	case "tir_pct":
		return g(70) + " to " + g(180)
	case "tbr70_pct":
		return "below " + g(70)
	case "tbr54_pct":
		return "below " + g(54)
	case "tar180_pct":
		return "above " + g(180)
	case "tar250_pct":
		return "above " + g(250)
	case "tir63_140_pct":
		return g(63) + " to " + g(140)
	case "tbr63_pct":
		return "below " + g(63)
	case "tar140_pct":
		return "above " + g(140)
	case "cv_pct":
		return "CV"
	}
	return t.Metric
}

package page

import (
	"fmt"
	"html/template"
	"math"
	"time"

	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/number"
)

// A Cohort is the page of everybody: who needs a human now, what there is of each, and how
// glucose stands. Without glucose, alerts, events and arms if Blinded.
type Cohort struct {
	Stamp     Stamp
	Dates     Dates // of the metrics
	Blinded   bool
	Unit      number.Unit
	Sites     []Choice // to filter by; fewer than two are no choice
	Cohorts   []Choice
	Following []CohortRow // enrolled and randomised, the most urgent first
	Others    []CohortRow
	Totals    []SiteTotal // by site, and everybody last; of Following
	Figures   []figure.Figure
	Unknown   []string // of the roster, and not in the snapshot yet
	Readings  Readings
	CSV       string // path of the same as a file
}

// Dates are the local dates of metrics: the latest Last with enough data, or a window of
// windows.csv, or from From to To, of which an empty one is the bound of the study.
type Dates struct {
	Last             int
	From, To, Window string
}

// Words say the dates.
func (d Dates) Words() string {
	within := "the whole study"
	switch {
	case d.Window != "":
		within = "window " + d.Window
	case d.From != "" && d.To != "":
		within = d.From + " to " + d.To
	case d.From != "":
		within = "from " + d.From + " on"
	case d.To != "":
		within = "up to " + d.To
	}
	switch {
	case d.Last > 0 && d.From+d.To+d.Window != "":
		return d.latest() + ", " + within
	case d.Last > 0:
		return d.latest()
	case d.Window == "" && (d.From == "") != (d.To == ""):
		return "the days " + within
	}
	return within
}

// latest says which days were looked for.
func (d Dates) latest() string {
	if d.Last == 1 {
		return "the latest day with enough data"
	}
	return fmt.Sprintf("the latest %d days with enough data", d.Last)
}

// A Choice is one of a filter: rows with its class stay.
type Choice struct {
	Class, Name string
}

// A CohortRow is what there is of a participant. Shares are 0 to 100, and what is not
// known is NaN or zero.
type CohortRow struct {
	ID                       string
	Profile                  string // path of their page; empty: they have none
	Site, Cohort, Arm        string // Arm only where it may be seen
	SiteClass, CohortClass   string // of the choices
	Status, Consent, ToDo    string // in words
	NeedsHuman               bool   // the participant must do something, or the study team
	Connected                bool
	Newest                   time.Time     // reading, on the wall clock of the roster's zone
	Zoneless                 bool          // the roster has no zone: Newest is UTC
	Age                      time.Duration // of Newest; negative: it is ahead of the clock
	Valueless                bool          // readings came, and none has a value
	Unplaced                 int64         // readings without local time
	Covered14, Covered30     float64
	Dates                    ProfileDates // of the metrics
	Ranges                   figure.Ranges
	TIR, TBR54, CV, GMI, GRI float64
	GRIZone                  string
	RiskHypo, RiskHyper      float64
}

// Lacking says what readings lack, so that they count in no metric; empty: nothing.
func (r CohortRow) Lacking() string {
	switch {
	case r.Valueless:
		return "no reading has a value"
	case r.Unplaced > 0:
		return number.Count(r.Unplaced) + " without local time"
	}
	return ""
}

// Class are the classes by which filters find a row.
func (r CohortRow) Class() string {
	class := r.SiteClass + " " + r.CohortClass
	if r.NeedsHuman {
		class += " needs-human"
	}
	if r.Dates.TooLittle() {
		class += " little-data"
	}
	return class
}

// Place are site, cohort and arm as far as they are known.
func (r CohortRow) Place() (said string) {
	for _, one := range []string{r.Site, r.Cohort, r.Arm} {
		if one != "" && said != "" {
			said += " · "
		}
		said += one
	}
	return said
}

// Standing are the status of the roster and the consent, once if they are the same.
func (r CohortRow) Standing() string {
	if r.Status == "" || r.Status == r.Consent {
		return r.Consent
	}
	return r.Status + "; " + r.Consent
}

// Lag says how old the newest reading is, or how far it is ahead of the clock.
func (r CohortRow) Lag() string {
	if r.Newest.IsZero() {
		return "never"
	}
	if r.Age < 0 {
		return age(-r.Age) + " ahead of the clock"
	}
	return age(r.Age)
}

// NewestAt says when the newest reading was, to the minute.
func (r CohortRow) NewestAt() string {
	if r.Zoneless {
		return r.Newest.Format("2006-01-02 15:04 UTC")
	}
	return r.Newest.Format("2006-01-02 15:04")
}

// GreyGMI reports whether there is a GMI, of too little data.
func (r CohortRow) GreyGMI() bool { return !math.IsNaN(r.GMI) && r.Dates.TooLittle() }

// Days says the dates of the metrics.
func (r CohortRow) Days() string {
	first, last := r.Dates.First, r.Dates.Last
	switch {
	case r.Dates.Outside:
		return "no day of their study lies in these dates"
	case first.IsZero() || last.IsZero():
		return ""
	}
	if first.Year() == last.Year() && first.Before(last) {
		return first.Format(time.DateOnly) + " to " + last.Format("01-02")
	}
	return datesWords(first, last)
}

// Spark is the bar of the ranges.
func (r CohortRow) Spark() template.HTML { return figure.Spark(r.Ranges) }

// The numbers of a row, as clinicians read them.
func (r CohortRow) Covered14Words() string { return number.Percent(r.Covered14) }
func (r CohortRow) Covered30Words() string { return number.Percent(r.Covered30) }
func (r CohortRow) TIRWords() string       { return number.Percent(r.TIR) }
func (r CohortRow) TBR54Words() string     { return number.Percent(r.TBR54) }
func (r CohortRow) CVWords() string        { return number.Tenths(r.CV) }
func (r CohortRow) GMIWords() string       { return number.Tenths(r.GMI) }
func (r CohortRow) GRIWords() string       { return number.Decimal(r.GRI, 0) }

// A SiteTotal is what there is of a site.
type SiteTotal struct {
	Name                                string
	Participants, Connected, NeedsHuman int     // NeedsHuman of whom
	Covered14                           float64 // median of those of whom it is known
	TIR                                 float64 // median of those whose data are not too little
	WithTIR                             int     // how many they are
}

// Covered14Words and TIRWords are the numbers as clinicians read them.
func (t SiteTotal) Covered14Words() string { return number.Percent(t.Covered14) }
func (t SiteTotal) TIRWords() string       { return number.Percent(t.TIR) }

// age says how long ago something was: minutes under an hour, hours under two days.
func age(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", max(0, d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

func (Cohort) template() string { return "cohort" }

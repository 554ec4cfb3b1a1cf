//go:build linux || darwin

package report

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/study"
)

// A studyDay is what a snapshot has of a participant's local day.
type studyDay struct {
	plan.Window           // from its first instant to that of the next day
	date        time.Time // midnight UTC of the local date
	dayRead
}

// A course is what is known of a participant beside their readings: what tells the kinds
// of days without any apart.
type course struct {
	asked     study.Timeline // of readings; its Study is not looked at, Now is the newest answer
	held      []plan.Window  // of answers that could not be applied
	apart     bool           // never connected, or nothing is to be asked
	failed    bool           // the last fetch failed
	goesOn    bool           // more readings are waited for
	consent   time.Time      // date, midnight UTC; zero: not known
	withdrawn time.Time      // zero: has not
}

// dayKind is what is known of a day: the first of the rules of [figure.Days] that fits.
// Without readings it is what most of the day is, as far as it lies before the newest
// answer and the withdrawal; a day of which nothing does is none.
func (c course) dayKind(d studyDay) figure.Day {
	if d.coveredMin > 0 {
		return coveredKind(100 * float64(d.coveredMin) / d.End.Sub(d.Start).Minutes())
	}
	switch {
	case d.excluded:
		return figure.LeftOut
	case d.valueless:
		return figure.Valueless
	case d.unplaced:
		return figure.Unplaced
	case !c.withdrawn.IsZero() && !d.Start.Before(c.withdrawn):
		return figure.Withdrawn
	case !c.consent.IsZero() && d.date.Before(c.consent):
		return figure.BeforeConsent
	}
	t := c.asked
	t.Study = []plan.Window{d.Window}
	if !c.withdrawn.IsZero() {
		t.Study = []plan.Window{d.Intersect(plan.Window{Start: d.Start, End: c.withdrawn})}
	}
	return c.silentKind(t.Missing(), d.Window)
}

// silentKind is the kind of a day without readings, of what there is nothing of and why.
func (c course) silentKind(m study.Missing, day plan.Window) figure.Day {
	most := max(m.NeverAsked, m.Pending, m.NoReading, m.Empty)
	switch {
	case most == 0:
		return figure.Unknown
	case most == m.NeverAsked && c.apart:
		return figure.Apart
	case most == m.NeverAsked && (c.failed || slices.ContainsFunc(c.held, func(w plan.Window) bool { return !w.Intersect(day).Empty() })):
		return figure.Failed
	case most == m.NeverAsked:
		return figure.NeverAsked
	case most == m.Pending && c.goesOn:
		return figure.Pending
	case most == m.Pending, most == m.NoReading:
		return figure.NoReading
	}
	return figure.Empty
}

// coveredKind is the kind of a day of which readings cover a share, 0 to 100.
func coveredKind(pct float64) figure.Day {
	switch {
	case pct >= 90:
		return figure.Whole
	case pct >= 70:
		return figure.Enough
	case pct >= 50:
		return figure.Some
	}
	return figure.Little
}

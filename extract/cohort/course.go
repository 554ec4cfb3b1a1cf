package cohort

import (
	"fmt"
	"time"
)

// A Part is a participant's part in the study, as the roster tells it. Of
// dates only year, month and day count.
type Part struct {
	Status     string // of the roster
	StatusDate time.Time
	StudyEnd   time.Time
	Zone       *time.Location // nil: UTC
}

// A Course says what a Part means for fetching and for the tokens.
type Course struct {
	Asked   bool      // data are asked for, within study_start to LastDay
	LastDay time.Time // last date of the person's data; zero: none yet
	End     time.Time // first instant after it, UTC; zero: none yet
	Closes  time.Time // from then on the tokens are to be destroyed; zero: not by itself
	AtOnce  bool      // they are, without a last look for late uploads
	Missing string    // what the roster must say before anything follows; "" for nothing
}

// Over reports whether no more data of the person will come to be.
func (c Course) Over(now time.Time) bool {
	return !c.Asked || !c.End.IsZero() && !now.Before(c.End)
}

// Closed reports whether the tokens are to be gone.
func (c Course) Closed(now time.Time) bool {
	return c.AtOnce || !c.Closes.IsZero() && !now.Before(c.Closes)
}

// A rule is what one status of the roster means.
type rule struct {
	asked  bool
	atOnce bool                   // tokens are destroyed at once, not after the late window
	ends   func(p Part) time.Time // last date of the person's data
	needs  string                 // what to give where ends knows none; "": it may be open
}

// rules is the one place that says what statuses mean; docs/participants.md
// shows it as a table.
func rules() map[string]rule {
	study := func(p Part) time.Time { return p.StudyEnd }
	going := rule{asked: true, ends: study}
	return map[string]rule{
		"": going, "screening": going, "enrolled": going, "randomised": going,
		"completed": {asked: true, ends: func(p Part) time.Time { return firstDate(p.StudyEnd, p.StatusDate) },
			needs: "study_end or status_date"},
		"lost":          {ends: func(p Part) time.Time { return firstDate(p.StatusDate, p.StudyEnd) }, needs: "status_date"},
		"screen_failed": {atOnce: true, ends: study},
		"withdrawn":     {atOnce: true, ends: study},
	}
}

// firstDate is the first of dates that is given.
func firstDate(dates ...time.Time) time.Time {
	for _, d := range dates {
		if !d.IsZero() {
			return d
		}
	}
	return time.Time{}
}

// Going reports whether p's status leaves open when the person's data end:
// whose status ends them need not be connected any more.
func (p Part) Going() bool {
	rule, ok := rules()[p.Status]
	return ok && rule.asked && rule.needs == ""
}

// Course tells how p goes on: late is for how long uploads are waited for after
// the last day. A connection that began after that, as when a study is taken
// over when it is over, is given as long from its beginning; zero: no connection.
func (p Part) Course(late time.Duration, connected time.Time) Course {
	rule, ok := rules()[p.Status]
	if !ok { // the roster's door is closed to it
		return Course{Missing: fmt.Sprintf("a status that is known, not %q", p.Status)}
	}
	c := Course{Asked: rule.asked, AtOnce: rule.atOnce, LastDay: rule.ends(p)}
	if c.LastDay.IsZero() {
		if rule.needs != "" {
			c.Asked, c.Missing = false, rule.needs
		}
		return c
	}
	_, c.End = LocalDays(c.LastDay, c.LastDay, p.Zone)
	c.Closes = c.End.Add(late)
	if connected.After(c.End) {
		c.Closes = connected.Add(late)
	}
	return c
}

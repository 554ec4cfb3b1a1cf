package load

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// An answer without a single record may be the server's mistake. What dataRange
// said through the same connection shortly before tells how far to trust it.

// shownFor is how old the answer of dataRange may be.
const shownFor = time.Hour

// A trust is how far an answer is believed where it lacks records.
type trust int

const (
	trusted      trust = iota
	doubted            // empty within the range shown: a second answer must agree, however few records are gone
	contradicted       // empty where the oldest or the newest record should be: nothing is gone by it
)

type shownKey struct {
	connectionKey
	resource string
	news     bool // asked with lastSyncTime
}

// A shown is the newest range that dataRange showed.
type shown struct {
	at          time.Time
	first, last arrow.Timestamp // records
}

// keepRanges remembers what a dataRange answer shows. One asked with
// lastSyncTime tells of news only: what it does not show may still be there.
func (s *step) keepRanges(a *answer) {
	news := !a.LastSync.IsZero()
	for resource, r := range resourceRanges(a.ranges) {
		if !news {
			delete(s.shown, shownKey{a.via(), resource, false})
			delete(s.shown, shownKey{a.via(), resource, true})
		}
		if r = a.beforeCut(r); r != nil {
			s.shown[shownKey{a.via(), resource, news}] = shown{a.AskedAt, instant(r.Start), instant(r.End)}
		}
	}
}

func resourceRanges(r *dexcom.Ranges) map[string]*dexcom.Range {
	return map[string]*dexcom.Range{"egvs": r.EGVs, "events": r.Events, "calibrations": r.Calibrations}
}

// isCut reports whether an end of a range is where beforeCut put it: nobody knows
// of a record there.
func (a *answer) isCut(end arrow.Timestamp) bool { return !a.cut.IsZero() && end >= instant(a.cut) }

// beforeCut is r without what lies behind the withdrawal of the participant.
func (a *answer) beforeCut(r *dexcom.Range) *dexcom.Range {
	switch {
	case r == nil || a.cut.IsZero() || r.End.Before(a.cut):
		return r
	case r.Start.Before(a.cut):
		return &dexcom.Range{Start: r.Start, End: a.cut}
	}
	return nil
}

// trustIn says how far an answer is believed. The oldest and the newest record
// exist, so an answer that is empty although one of them belongs into it is
// wrong; between the two there may well be a month without any. Both count from
// a margin within the window, as everywhere.
func (s *step) trustIn(a *answer) trust {
	if !a.hasWindow() || a.batch.Records > 0 {
		return trusted
	}
	from, to := instant(a.WindowStart), instant(a.WindowEnd)
	inside := func(t arrow.Timestamp) bool {
		return t >= instant(a.WindowStart.Add(margin)) && t <= instant(a.WindowEnd.Add(-margin))
	}
	of := trusted
	for _, news := range []bool{false, true} {
		r, ok := s.shown[shownKey{a.via(), a.Resource, news}]
		switch {
		case !ok || a.AskedAt.Sub(r.at) > shownFor:
		case inside(r.first), inside(r.last) && !a.isCut(r.last):
			return contradicted
		case r.first <= to && r.last >= from:
			of = doubted
		}
	}
	return of
}

// heldRange takes a row of connection_ranges.
func (s *step) heldRange(r row) {
	key := shownKey{connectionKey{r.str("participant_id"), r.str("connection_id")}, r.str("resource"), r.flag("news")}
	s.shown[key] = shown{r.time("shown_at"), r.stamp("first_record"), r.stamp("last_record")}
}

func (s *step) rangeRows(add addRow) {
	for key, r := range s.shown {
		add(key.participant, key.connection, key.resource, key.news, r.at, timeOf(r.first), timeOf(r.last))
	}
}

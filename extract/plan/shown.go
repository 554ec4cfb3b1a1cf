package plan

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// A Shown is what one answer of dataRange shows: what Dexcom says that it has.
type Shown struct {
	RequestID string
	Beat      string
	Asked     time.Time // when the answer was complete: see raw.Header.Answered
	Server    time.Time // the server's Date; zero: it sent none
	LastSync  time.Time // lastSyncTime of the request; zero: none was sent
	Ranges    dexcom.Ranges

	at     raw.Position // of the answer in the log
	entry  *raw.Entry   // the answer, where the index has it and has not read it yet
	unread bool         // the index has not read the answer
	err    error        // why it could not
}

func newShown(e raw.Entry) Shown {
	return Shown{RequestID: e.RequestID, Beat: e.Beat, Asked: e.Answered(), Server: e.ServerDate, LastSync: e.LastSync, at: e.Position}
}

// ParseShown reads an answer of dataRange, plain, that became e.
func ParseShown(e raw.Entry, plain []byte) (Shown, error) {
	s := newShown(e)
	var err error
	if s.Ranges, err = dexcom.ParseRanges(plain); err != nil {
		return Shown{}, RangesError(err)
	}
	s.Ranges.UserID = "" // is nobody's business here, and is kept nowhere else
	return s, nil
}

// read reads what the answer in the log shows. What cannot be read is left to who plans
// by it.
func (s *Shown) read(log *raw.Log) {
	if s.unread {
		s.Ranges, s.err = s.readFrom(log)
		s.unread, s.entry = false, nil
	}
}

func (s *Shown) readFrom(log *raw.Log) (dexcom.Ranges, error) {
	if s.entry == nil {
		e, err := entryAt(log, s.at)
		if err != nil {
			return dexcom.Ranges{}, err
		}
		s.entry = &e
	}
	plain, err := s.entry.PlainWithin(dexcom.DefaultMaxBody)
	if _, long := errors.AsType[*raw.TooLongError](err); long {
		return dexcom.Ranges{}, RangesError(err)
	}
	if err != nil {
		return dexcom.Ranges{}, err
	}
	shown, err := ParseShown(*s.entry, plain)
	return shown.Ranges, err
}

// entryAt returns the entry that begins at a position of the log.
func entryAt(log *raw.Log, at raw.Position) (raw.Entry, error) {
	next, stop := iter.Pull2(log.Entries(at))
	defer stop()
	e, err, ok := next()
	if err == nil && (!ok || e.Position != at) {
		err = &raw.DamageError{Offset: at.Offset, Reason: fmt.Sprintf("no entry begins at %s", at)}
	}
	return e, err
}

// syncMargin is taken off the time up to which everything is known to be held,
// before it is sent as lastSyncTime: records become visible up to three hours
// after their upload, and by which of the two times the API compares is not
// documented.
const syncMargin = 6 * time.Hour

// maxLastSync is how old a lastSyncTime may be: from 100 days on the API answers
// wrongly, and the other known client stops at 30.
const maxLastSync = 30 * 24 * time.Hour

// alertsAround is how long before the oldest record and past the newest one
// alerts are asked for: those that say that readings are missing (outOfRange,
// noReadings) fire after it, and the reading that one fired on may be gone.
const alertsAround = 24 * time.Hour

// each yields the ranges that s has, by resource.
func (s Shown) each(yield func(dexcom.Resource, dexcom.Range)) {
	for _, one := range []struct {
		resource dexcom.Resource
		r        *dexcom.Range
	}{
		{dexcom.EGVs, s.Ranges.EGVs},
		{dexcom.Events, s.Ranges.Events},
		{dexcom.Calibrations, s.Ranges.Calibrations},
	} {
		if one.r != nil {
			yield(one.resource, *one.r)
		}
	}
}

// windows returns per resource the window in which s shows records; its end is
// past the newest one. Alerts, of which the API says nothing, get the span of the
// others and what follows it: see alertsWindow. A resource without records is
// absent.
func (s Shown) windows() map[dexcom.Resource]Window {
	plausible := s.plausible()
	found := map[dexcom.Resource]Window{}
	var all Windows
	s.each(func(resource dexcom.Resource, r dexcom.Range) {
		if w := whole(r).Intersect(plausible); !w.Empty() {
			found[resource] = w
			all = all.Union(Windows{w})
		}
	})
	if w := s.alertsWindow(all.Span()); !w.Empty() {
		found[dexcom.Alerts] = w
	}
	return found
}

// alertsWindow returns the window in which a participant with records of other
// kinds within w may have alerts: longer by alertsAround at both ends, but then
// never beyond the time of the server. What is to come would else count as held
// without having been there to ask for. So as long as the newest record is younger
// than alertsAround, every later answer of dataRange shows a sliver more.
func (s Shown) alertsWindow(w Window) Window {
	if w.Empty() {
		return Window{}
	}
	now := s.asOf().Truncate(time.Second).Add(time.Second) // an end is exclusive
	return Window{latest(plausibleStart, w.Start.Add(-alertsAround)), latest(w.End, earliest(w.End.Add(alertsAround), now))}
}

// asOf is when s was true: the server's time, ours if it sent none.
func (s Shown) asOf() time.Time {
	if s.Server.IsZero() {
		return s.Asked
	}
	return s.Server
}

// Clipped describes the ranges of s that reach beyond plausible times.
func (s Shown) Clipped() (notes []string) {
	plausible := s.plausible()
	s.each(func(resource dexcom.Resource, r dexcom.Range) {
		if r.Start.Before(plausible.Start) || !r.End.Before(plausible.End) {
			notes = append(notes, fmt.Sprintf("%s: dataRange shows %s, asked is only %s", resource, Window(r), Window(r).Intersect(plausible)))
		}
	})
	return notes
}

// plausible is the interval of believable system times: from 2010 to a day ahead
// of the server. Its end is a full hour, so that a range with an end in the far
// future does not show a little more every second.
func (s Shown) plausible() Window {
	return Window{plausibleStart, s.asOf().Add(24 * time.Hour).Truncate(time.Hour)}
}

// rangeMargin is asked for at both ends of a range: the API compares to the
// second at best, and what an answer lacks within a minute of its window's ends
// does not count as gone (see package load). Else nobody would ever notice that
// the oldest record, or the newest, is gone.
const rangeMargin = time.Minute

// whole returns the window in whole seconds that has all records of r, well
// within it.
func whole(r dexcom.Range) Window {
	end := r.End.Add(rangeMargin)
	if up := end.Truncate(time.Second); up.Before(end) {
		end = up.Add(time.Second)
	}
	return Window{r.Start.Add(-rangeMargin).Truncate(time.Second), end}
}

// Expects reports whether an answer without records for w contradicts s: the
// oldest or the newest record lies in w. Of what is between the two s says
// nothing: somebody may pause for months.
func (s Shown) Expects(resource dexcom.Resource, w Window) (expected bool) {
	s.each(func(of dexcom.Resource, r dexcom.Range) {
		expected = expected || of == resource && (w.Contains(r.Start) || w.Contains(r.End))
	})
	return expected
}

// Without reports whether s says that there is no record of resource in w, which
// it cannot say of alerts.
func (s Shown) Without(resource dexcom.Resource, w Window) bool {
	if !slices.Contains([]dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations}, resource) {
		return false
	}
	outside := true
	s.each(func(of dexcom.Resource, r dexcom.Range) {
		outside = outside && (of != resource || w.End.Before(r.Start) || w.Start.After(r.End))
	})
	return outside
}

// heldUpTo returns the time up to which every upload within consented is held, or is
// due anyway because no answer covers it. For an answer to lastSyncTime, which shows all
// uploads since then, that is when it was asked, once its windows were read after it.
// An answer without shows everything, and what was never read stays due: so it is when
// that piece was read that was not read for longest.
func (s Shown) heldUpTo(held Held, consented Window, resources []dexcom.Resource) (upTo time.Time, ok bool) {
	upTo = s.Asked
	found := s.windows()
	for _, r := range resources {
		asked, complete := held.Coverage[r].oldest(found[r].Intersect(consented))
		if !s.LastSync.IsZero() && (!complete || !asked.IsZero() && asked.Before(s.Asked)) {
			return time.Time{}, false
		}
		if !asked.IsZero() {
			upTo = earliest(upTo, asked)
		}
	}
	return upTo, true
}

// with returns what s and the later o show together.
func (s Shown) with(o Shown) Shown {
	both := func(a, b *dexcom.Range) *dexcom.Range {
		switch {
		case a == nil:
			return b
		case b == nil:
			return a
		}
		return &dexcom.Range{Start: earliest(a.Start, b.Start), End: latest(a.End, b.End)}
	}
	return Shown{Asked: o.Asked, Server: o.Server, Ranges: dexcom.Ranges{
		EGVs:         both(s.Ranges.EGVs, o.Ranges.EGVs),
		Events:       both(s.Ranges.Events, o.Ranges.Events),
		Calibrations: both(s.Ranges.Calibrations, o.Ranges.Calibrations),
	}}
}

// hasRecords reports whether c's window is where s shows records, as opposed to the
// day after them, in which there may be alerts: of that every later answer shows
// more.
func (s Shown) hasRecords(c Call) (has bool) {
	s.each(func(_ dexcom.Resource, r dexcom.Range) { has = has || !c.Window.Start.After(r.End) })
	return has
}

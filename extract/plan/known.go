package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// Known is what one dataRange answer said.
type Known struct {
	Asked    time.Time // when the answer was complete: see raw.Header.Answered
	Server   time.Time // the server's Date; zero: it sent none
	LastSync time.Time // lastSyncTime of the request; zero: none was sent
	Ranges   dexcom.Ranges
}

// ParseKnown reads an answer of dataRange, plain, that became e.
func ParseKnown(e raw.Entry, plain []byte) (Known, error) {
	ranges, err := dexcom.ParseRanges(plain)
	if err != nil {
		return Known{}, RangesError(err)
	}
	return Known{e.Answered(), e.ServerDate, e.LastSync, ranges}, nil
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

// each yields the ranges that k has, by resource.
func (k Known) each(yield func(dexcom.Resource, dexcom.Range)) {
	for _, one := range []struct {
		resource dexcom.Resource
		r        *dexcom.Range
	}{
		{dexcom.EGVs, k.Ranges.EGVs},
		{dexcom.Events, k.Ranges.Events},
		{dexcom.Calibrations, k.Ranges.Calibrations},
	} {
		if one.r != nil {
			yield(one.resource, *one.r)
		}
	}
}

// windows returns per resource the window in which k shows records; its end is
// past the newest one. Alerts, of which the API says nothing, get the span of the
// others and what follows it: see alertsWindow. A resource without records is
// absent.
func (k Known) windows() map[dexcom.Resource]Window {
	plausible := k.plausible()
	found := map[dexcom.Resource]Window{}
	var all Windows
	k.each(func(resource dexcom.Resource, r dexcom.Range) {
		if w := whole(r).Intersect(plausible); !w.Empty() {
			found[resource] = w
			all = all.Union(Windows{w})
		}
	})
	if w := k.alertsWindow(all.Span()); !w.Empty() {
		found[dexcom.Alerts] = w
	}
	return found
}

// alertsWindow returns the window in which a participant with records of other
// kinds within w may have alerts: longer by alertsAround at both ends, but then
// never beyond the time of the server. What is to come would else count as held
// without having been there to ask for. So as long as the newest record is younger
// than alertsAround, every later answer of dataRange shows a sliver more.
func (k Known) alertsWindow(w Window) Window {
	if w.Empty() {
		return Window{}
	}
	now := k.at().Truncate(time.Second).Add(time.Second) // an end is exclusive
	return Window{latest(plausibleStart, w.Start.Add(-alertsAround)), latest(w.End, earliest(w.End.Add(alertsAround), now))}
}

// at is when k was true: the server's time, ours if it sent none.
func (k Known) at() time.Time {
	if k.Server.IsZero() {
		return k.Asked
	}
	return k.Server
}

// Clipped describes the ranges of k that reach beyond plausible times.
func (k Known) Clipped() (notes []string) {
	plausible := k.plausible()
	k.each(func(resource dexcom.Resource, r dexcom.Range) {
		if r.Start.Before(plausible.Start) || !r.End.Before(plausible.End) {
			notes = append(notes, fmt.Sprintf("%s: dataRange shows %s, asked is only %s", resource, Window(r), Window(r).Intersect(plausible)))
		}
	})
	return notes
}

// plausible is the interval of believable system times: from 2010 to a day ahead
// of the server. Its end is a full hour, so that a range with an end in the far
// future does not show a little more every second.
func (k Known) plausible() Window {
	return Window{plausibleStart, k.at().Add(24 * time.Hour).Truncate(time.Hour)}
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

// Expects reports whether an answer without records for w contradicts k: the
// oldest or the newest record lies in w. Of what is between the two k says
// nothing: somebody may pause for months.
func (k Known) Expects(resource dexcom.Resource, w Window) (expected bool) {
	k.each(func(of dexcom.Resource, r dexcom.Range) {
		expected = expected || of == resource && (w.Contains(r.Start) || w.Contains(r.End))
	})
	return expected
}

// Without reports whether k says that there is no record of resource in w, which
// it cannot say of alerts.
func (k Known) Without(resource dexcom.Resource, w Window) bool {
	if !slices.Contains([]dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations}, resource) {
		return false
	}
	outside := true
	k.each(func(of dexcom.Resource, r dexcom.Range) {
		outside = outside && (of != resource || w.End.Before(r.Start) || w.Start.After(r.End))
	})
	return outside
}

// settled returns the time up to which every upload within consented is held, or is
// due anyway because no answer covers it. For an answer to lastSyncTime, which shows all
// uploads since then, that is when it was asked, once its windows were read after it.
// An answer without shows everything, and what was never read stays due: so it is when
// that piece was read that was not read for longest.
func (k Known) settled(held Holding, consented Window, resources []dexcom.Resource) (upTo time.Time, ok bool) {
	upTo = k.Asked
	found := k.windows()
	for _, r := range resources {
		asked, complete := held.Coverage[r].oldest(found[r].Intersect(consented))
		if !k.LastSync.IsZero() && (!complete || !asked.IsZero() && asked.Before(k.Asked)) {
			return time.Time{}, false
		}
		if !asked.IsZero() {
			upTo = earliest(upTo, asked)
		}
	}
	return upTo, true
}

// with returns what k and the later o show together.
func (k Known) with(o Known) Known {
	both := func(a, b *dexcom.Range) *dexcom.Range {
		switch {
		case a == nil:
			return b
		case b == nil:
			return a
		}
		return &dexcom.Range{Start: earliest(a.Start, b.Start), End: latest(a.End, b.End)}
	}
	return Known{Asked: o.Asked, Server: o.Server, Ranges: dexcom.Ranges{
		EGVs:         both(k.Ranges.EGVs, o.Ranges.EGVs),
		Events:       both(k.Ranges.Events, o.Ranges.Events),
		Calibrations: both(k.Ranges.Calibrations, o.Ranges.Calibrations),
	}}
}

// hasRecords reports whether c's window is where k shows records, as opposed to the
// day after them, in which there may be alerts: of that every later answer shows
// more.
func (k Known) hasRecords(c Call) (has bool) {
	k.each(func(_ dexcom.Resource, r dexcom.Range) { has = has || !c.Window.Start.After(r.End) })
	return has
}

package extract

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// inOrder returns the indexes of r.work in the order in which to begin: in a
// backfill participants of whom the log says that something was never answered,
// then the others; among both, who was tried least recently, then in the order of
// the ids. So runs that are stopped early finish what was left and come to everybody
// in turn, also where of one nothing can be had or years are to be fetched. To a sync
// all are equal: news are there of those it never came to as of those it was stopped at.
func (r *runner) inOrder() []int {
	order := make([]int, len(r.work))
	finished, tried := make([]bool, len(r.work)), make([]time.Time, len(r.work))
	for i, targets := range r.work {
		order[i] = i
		finished[i], tried[i] = r.turnOf(targets)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case finished[a] == finished[b]:
			return tried[a].Compare(tried[b])
		case finished[a]:
			return 1
		}
		return -1
	})
	return order
}

// turnOf returns whether all that targets, of one participant, showed is held, if
// the run cares, and when they last had their turn: when they answered what there is,
// or all was tried.
func (r *runner) turnOf(targets []Target) (finished bool, tried time.Time) {
	finished = true
	for _, t := range targets {
		if t.ConnectionID == "" || t.Consented.Empty() {
			continue
		}
		tried = latest(tried, t.Tried)
		held := r.index.Holding(t.ParticipantID, t.ConnectionID)
		known, err := held.known()
		if err != nil { // the fetch will meet it and report it
			finished = false
			continue
		}
		if n := len(held.Ranges); n > 0 && held.Ranges[n-1].Beat != BeatConnect { // that was no turn
			tried = latest(tried, known.Asked)
		}
		if r.run.Mode == Backfill {
			bounds := t.Consented.Intersect(r.run.Interval)
			due := Calls(backfillDemands(known, bounds, r.fetcher.Resources), held)
			finished = finished && !known.Asked.IsZero() && !slices.ContainsFunc(due, known.hasRecords)
		}
	}
	return finished, tried
}

// hasRecords reports whether c's window is where k shows records, as opposed to the
// day after them, in which there may be alerts: of that every later answer shows
// more.
func (k Known) hasRecords(c Call) (has bool) {
	k.each(func(_ dexcom.Resource, r dexcom.Range) { has = has || !c.Window.Start.After(r.End) })
	return has
}

// known returns what dataRange showed so far: what it answered when last asked
// for everything, and to all questions for news since. Its zero Asked means that
// it was never answered.
func (h Holding) known() (known Known, err error) {
	all := h.ranges()
	for _, shown := range all[max(0, slices.Index(all, h.Full)):] {
		k, err := shown.known()
		if err != nil {
			return Known{}, err
		}
		known = known.with(k)
	}
	return known, nil
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

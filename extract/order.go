package extract

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// inOrder returns the indexes of r.work in the order in which to begin:
// participants of whom the log says that something was never answered, in the
// order of their ids; then the others, who was asked least recently first. So a
// run that is stopped early and begun again finishes what was left, and comes to
// everybody in turn instead of asking the first ones for news over and over.
func (r *runner) inOrder() []int {
	asked := make([]time.Time, len(r.work)) // zero: unfinished
	order := make([]int, len(r.work))
	for i, targets := range r.work {
		order[i], asked[i] = i, r.finished(targets)
	}
	slices.SortStableFunc(order, func(a, b int) int { return asked[a].Compare(asked[b]) })
	return order
}

// finished returns when targets, of one participant, were last asked what there
// is, if all that they showed is held; else the zero time.
func (r *runner) finished(targets []Target) (asked time.Time) {
	for _, t := range targets {
		if t.ConnectionID == "" || t.Consented.Empty() {
			continue
		}
		held := r.index.Holding(t.ParticipantID, t.ConnectionID)
		known, err := held.known()
		if err != nil || known.Asked.IsZero() {
			return time.Time{} // the fetch will meet the error and report it
		}
		bounds := t.Consented.Intersect(r.run.Interval)
		if slices.ContainsFunc(Calls(backfillDemands(known, bounds, r.Resources), held), known.hasRecords) {
			return time.Time{}
		}
		asked = latest(asked, known.Asked)
	}
	return asked
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
	entries := h.ranges()
	first := slices.IndexFunc(entries, func(e raw.Entry) bool { return e.RequestID == h.Full.RequestID })
	for _, e := range entries[max(0, first):] {
		k, err := readKnown(e)
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

package study

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/plan"
)

// readingEvery is how long a reading stands for: the length of a slot.
const readingEvery = 5 * time.Minute

// Missing is the time of a participant's study, up to now, for which there is
// no record of a resource, by what is known of the reason.
type Missing struct {
	NoReading  time.Duration // asked, and later records exist: lost, or never measured; the cause is not known
	Pending    time.Duration // after the newest record: it may still be uploaded
	Empty      time.Duration // all that was asked has no record, or Dexcom says it has none
	NeverAsked time.Duration // Dexcom may have records, and no answer covers it
	Open       int           // windows to ask for in NeverAsked
}

// A Timeline is what is known of a participant and resource over time.
type Timeline struct {
	Study  []plan.Window // in which data are expected; disjoint
	Now    time.Time
	Asked  []AskedInterval
	Ranged bool        // Dexcom was asked what it has
	Has    plan.Window // that it says it has; empty: nothing
	Newest time.Time   // record held; zero: none
}

// Missing adds up the kinds of nothing, stretch by stretch between the instants
// at which anything changes. Time with readings is among NoReading: see minus.
func (t Timeline) Missing() (sum Missing) {
	edges := []time.Time{t.Has.Start, t.Has.End, t.Newest}
	for _, a := range t.Asked {
		edges = append(edges, a.Start, a.End)
	}
	for _, w := range t.Study {
		if w = w.Intersect(plan.Window{Start: w.Start, End: t.Now}); w.Empty() {
			continue
		}
		inside := slices.DeleteFunc(append(slices.Clone(edges), w.Start), func(at time.Time) bool { return !w.Contains(at) })
		slices.SortFunc(inside, time.Time.Compare)
		run := time.Duration(0) // of NeverAsked without a break
		for i, at := range append(inside, w.End) {
			if i == 0 {
				continue
			}
			length := at.Sub(inside[i-1])
			kind := t.kind(&sum, inside[i-1])
			*kind += length
			if kind == &sum.NeverAsked {
				run += length
				continue
			}
			sum.Open += windowsIn(run)
			run = 0
		}
		sum.Open += windowsIn(run)
	}
	return sum
}

// kind is the sum to which the time from at on belongs.
func (t Timeline) kind(of *Missing, at time.Time) *time.Duration {
	i := slices.IndexFunc(t.Asked, func(a AskedInterval) bool { return a.Contains(at) })
	switch {
	case i < 0 && (!t.Ranged || t.Has.Contains(at)):
		return &of.NeverAsked
	case !t.Newest.IsZero() && !at.Before(t.Newest):
		return &of.Pending
	case i >= 0 && t.Asked[i].Records > 0:
		return &of.NoReading
	}
	return &of.Empty
}

// minus takes the time of readings out of NoReading.
func (m Missing) minus(readings int64) Missing {
	m.NoReading = max(0, m.NoReading-time.Duration(readings)*readingEvery)
	return m
}

// windowsIn is how many requests a stretch of time takes.
func windowsIn(d time.Duration) int { return int((d + plan.MaxWindow - 1) / plan.MaxWindow) }

package plan

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A Turn says when a participant is to be begun.
type Turn struct {
	Finished bool      // all that dataRange showed is held, if the job cares
	Tried    time.Time // when they answered what there is, or all was tried
}

// InOrder returns the indexes of turns in the order in which to begin: in a
// backfill participants of whom the log says that something was never answered,
// then the others; among both, who was tried least recently, then as they come.
// So runs that are stopped early finish what was left and come to everybody in turn,
// also where of one nothing can be had or years are to be fetched. To a sync all are
// equal: news are there of those it never came to as of those it was stopped at.
func InOrder(turns []Turn) []int {
	order := make([]int, len(turns))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := turns[i], turns[j]
		switch {
		case a.Finished == b.Finished:
			return a.Tried.Compare(b.Tried)
		case a.Finished:
			return 1
		}
		return -1
	})
	return order
}

// Through returns t as it is with one more connection of the participant, with which
// all was last tried at the given time.
func (t Turn) Through(s State, tried time.Time) Turn {
	t.Tried = latest(t.Tried, tried)
	shown, err := s.Held.allShown()
	if err != nil { // the fetch will meet it and report it
		t.Finished = false
		return t
	}
	if n := len(s.Held.Newest); n > 0 && s.Held.Newest[n-1].Beat != BeatConnect { // that was no turn
		t.Tried = latest(t.Tried, shown.Asked)
	}
	if s.Job.Mode == Backfill {
		bounds := s.Consented.Intersect(s.Job.complete().Interval)
		left := callsFor(s.backfillDemands(shown, bounds), s.Held)
		t.Finished = t.Finished && !shown.Asked.IsZero() && !slices.ContainsFunc(left, shown.hasRecords)
	}
	return t
}

// InTurns divides calls into those to make first and those that wait for what
// these bring: of each resource that was refused when it was last asked for, one
// call goes ahead of the others. By chance it is any, so that a window which is
// refused for a reason of its own keeps the others waiting only for a while.
func InTurns(calls []Call, refused []dexcom.Resource, chance func(int) int) (first, rest []Call) {
	ahead := map[dexcom.Resource]Call{}
	for _, r := range refused {
		of := slices.DeleteFunc(slices.Clone(calls), func(c Call) bool { return c.Resource != r })
		if len(of) > 0 {
			ahead[r] = of[chance(len(of))]
		}
	}
	for _, c := range calls {
		if one, ok := ahead[c.Resource]; ok && one != c {
			rest = append(rest, c)
		} else {
			first = append(first, c)
		}
	}
	return first, rest
}

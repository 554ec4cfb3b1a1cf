package plan

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// MaxWindow is the longest window that the API answers.
const MaxWindow = 30 * 24 * time.Hour

// The beats say why something is asked. They are in the headers of the raw log.
const (
	BeatBackfill = "backfill" // never answered before
	BeatNews     = "news"     // dataRange shows it as new
	BeatTrailing = "trailing" // the last days, once a day
	BeatDeep     = "deep"     // everything, about once a month
	BeatRefresh  = "refresh"  // because somebody wants it read again
	BeatConnect  = "connect"  // to see whose an account is
	BeatStray    = "stray"    // whatever it was asked for: the answer is of another account, and answers nothing
)

// A demand wants a window of a resource answered not longer ago than Since; with
// the zero time any answer will do. It is the one rule by which everything is
// planned: the pieces of the window whose last answer is older, or that have
// none, are due.
type demand struct {
	Resource dexcom.Resource
	Window   Window
	Since    time.Time
	Beat     string
}

// A Call is one request that a plan asks for. Its window is empty for devices.
type Call struct {
	Resource dexcom.Resource
	Window   Window
	Beat     string
}

// String names the call: "egvs 2026-03-01T00:00:00Z/2026-03-31T00:00:00Z".
func (c Call) String() string {
	if c.Window.Empty() {
		return string(c.Resource)
	}
	return string(c.Resource) + " " + c.Window.String()
}

// A CallError is an error about one resource of a participant.
type CallError struct {
	Call Call // without a window for dataRange
	Err  error
}

func (e *CallError) Error() string { return e.Call.String() + ": " + e.Err.Error() }

// Unwrap returns what went wrong with the call.
func (e *CallError) Unwrap() error { return e.Err }

// RangesError is about an answer of dataRange.
func RangesError(err error) error { return &CallError{Call{Resource: dexcom.DataRange}, err} }

// shortest is how long a window is at least for which an answer that is too large
// is asked for in halves.
const shortest = 24 * time.Hour

// Halves returns the calls for the older and the newer half of c's window; ok is
// false where it is not longer than a day.
func (c Call) Halves() (older, newer Call, ok bool) {
	if c.Window.End.Sub(c.Window.Start) <= shortest {
		return Call{}, Call{}, false
	}
	middle := c.Window.Start.Add(c.Window.End.Sub(c.Window.Start) / 2).Truncate(time.Second)
	older, newer = c, c
	older.Window.End, newer.Window.Start = middle, middle
	return older, newer, true
}

// callsFor returns the requests that satisfy demands, given what is held: the due
// pieces, merged and cut into the fewest windows of at most MaxWindow that ask
// for nothing that is not due. Windows of a resource never overlap; they come
// resource by resource as the demands name them, each oldest first. A window's
// beat is that of the first demand with a due piece in it.
func callsFor(demands []demand, held Held) []Call {
	var order []dexcom.Resource
	all := map[dexcom.Resource]Windows{}
	pieces := make([]Windows, len(demands)) // due for each demand
	for i, d := range demands {
		pieces[i] = d.due(held)
		if !slices.Contains(order, d.Resource) {
			order = append(order, d.Resource)
		}
		all[d.Resource] = all[d.Resource].Union(pieces[i])
	}
	var calls []Call
	for _, r := range order {
		for _, piece := range all[r] {
			for w := range piece.Split(MaxWindow) {
				first := slices.IndexFunc(demands, func(d demand) bool { return d.Resource == r })
				for i := first; i < len(demands); i++ {
					if demands[i].Resource == r && len(pieces[i].Within(w)) > 0 {
						calls = append(calls, Call{r, w, demands[i].Beat})
						break
					}
				}
			}
		}
	}
	return calls
}

// due returns the pieces of d's window that held does not satisfy.
func (d demand) due(held Held) Windows {
	return merge(d.Window).Subtract(held.Coverage[d.Resource].Since(d.Since))
}

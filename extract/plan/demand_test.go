package plan

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Whatever is demanded and held: what is due is asked, nothing else is, no
// window is too long, none overlap, and there are as few as that allows.
func TestCallsAskWhatIsDue(t *testing.T) {
	const unit = 5 * 24 // a "hour" of drawWindow is stretched to five days
	stretch := func(w Window) Window {
		return Window{epoch.Add(unit * w.Start.Sub(epoch)), epoch.Add(unit * w.End.Sub(epoch))}
	}
	rapid.Check(t, func(t *rapid.T) {
		held := Held{Coverage: map[dexcom.Resource]Coverage{}}
		resources := []dexcom.Resource{dexcom.EGVs, dexcom.Events}
		for i := range rapid.IntRange(0, 6).Draw(t, "answers") {
			r := rapid.SampledFrom(resources).Draw(t, "answer of")
			asked := epoch.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "asked")) * time.Hour)
			held.Coverage[r] = held.Coverage[r].Add(stretch(drawWindow(t, fmt.Sprint("answer ", i))), asked)
		}
		var demands []demand
		for i := range rapid.IntRange(0, 4).Draw(t, "demands") {
			d := demand{Resource: rapid.SampledFrom(resources).Draw(t, "demand of"), Window: stretch(drawWindow(t, fmt.Sprint("demand ", i))), Beat: fmt.Sprint(i)}
			if since := rapid.IntRange(0, 6).Draw(t, "since"); since > 0 {
				d.Since = epoch.Add(time.Duration(since) * time.Hour)
			}
			demands = append(demands, d)
		}
		calls := callsFor(demands, held)
		for _, r := range resources {
			var due, asked Windows
			fewest := 0
			for _, d := range demands {
				if d.Resource == r {
					due = due.Union(merge(d.Window).Subtract(held.Coverage[r].Since(d.Since)))
				}
			}
			for _, w := range due {
				fewest += int((w.End.Sub(w.Start) + MaxWindow - 1) / MaxWindow)
			}
			n := 0
			for _, c := range calls {
				if c.Resource != r {
					continue
				}
				if len(asked.Within(c.Window)) > 0 || c.Window.End.Sub(c.Window.Start) > MaxWindow || c.Beat == "" {
					t.Fatalf("callsFor(%v, %v): %v overlaps another, is too long or has no beat", demands, held, c)
				}
				asked = asked.Union(Windows{c.Window})
				n++
			}
			if fmt.Sprint(asked) != fmt.Sprint(due) || n != fewest {
				t.Fatalf("callsFor(%v, %v) ask for %s %v in %d windows; due is %v in %d", demands, held, r, asked, n, due, fewest)
			}
		}
	})
}

func TestCallsBeatIsTheFirstDemands(t *testing.T) {
	held := Held{Coverage: map[dexcom.Resource]Coverage{dexcom.EGVs: Coverage{}.Add(span(0, 10), epoch)}}
	calls := callsFor([]demand{
		{dexcom.EGVs, span(0, 10), time.Time{}, BeatNews}, // is held
		{dexcom.EGVs, span(5, 20), epoch.Add(1), BeatTrailing},
		{dexcom.EGVs, span(0, 30), time.Time{}, BeatBackfill},
	}, held)
	if got, want := fmt.Sprint(calls), fmt.Sprint([]Call{{dexcom.EGVs, span(5, 30), BeatTrailing}}); got != want {
		t.Errorf("Calls = %s, want %s", got, want)
	}
}

// The windows that cover what is due are not too long, do not overlap, begin with
// what is due and are no more than due pieces alone would need. With the first of
// them answered the others are left.
func TestFewestCoverWhatIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ws []Window
		for i := range rapid.IntRange(0, 5).Draw(t, "pieces") {
			w := drawWindow(t, fmt.Sprint("piece ", i))
			ws = append(ws, Window{epoch.Add(5 * 24 * time.Hour * time.Duration(w.Start.Sub(epoch)/time.Hour)), epoch.Add(5 * 24 * time.Hour * time.Duration(w.End.Sub(epoch)/time.Hour))})
		}
		due := merge(ws...)
		end := due.Span().End.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "beyond")) * 5 * 24 * time.Hour)
		got := fewest(due, end)
		alone := 0
		for _, w := range due {
			alone += int((w.End.Sub(w.Start) + MaxWindow - 1) / MaxWindow)
		}
		if left := due.Subtract(merge(got...)); len(left) > 0 || len(got) > alone {
			t.Fatalf("fewest(%v, %v) = %v: leaves %v, or is more than %d windows", due, end, got, left, alone)
		}
		for i, w := range got {
			if w.End.Sub(w.Start) > MaxWindow || w.End.After(end) || len(due.Within(Window{w.Start, w.Start.Add(1)})) == 0 || i > 0 && w.Start.Before(got[i-1].End) {
				t.Fatalf("fewest(%v, %v) = %v: %v is too long, overlaps, or begins with what is not due", due, end, got, w)
			}
			if rest := fewest(due.Subtract(merge(got[:i]...)), end); fmt.Sprint(rest) != fmt.Sprint(got[i:]) {
				t.Fatalf("fewest(%v, %v) = %v, but after %d of them %v", due, end, got, i, rest)
			}
		}
	})
}

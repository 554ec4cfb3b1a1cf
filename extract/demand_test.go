package extract

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
		held := Holding{Coverage: map[dexcom.Resource]Coverage{}}
		resources := []dexcom.Resource{dexcom.EGVs, dexcom.Events}
		for i := range rapid.IntRange(0, 6).Draw(t, "answers") {
			r := rapid.SampledFrom(resources).Draw(t, "answer of")
			asked := epoch.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "asked")) * time.Hour)
			held.Coverage[r] = held.Coverage[r].Add(stretch(drawWindow(t, fmt.Sprint("answer ", i))), asked)
		}
		var demands []Demand
		for i := range rapid.IntRange(0, 4).Draw(t, "demands") {
			d := Demand{Resource: rapid.SampledFrom(resources).Draw(t, "demand of"), Window: stretch(drawWindow(t, fmt.Sprint("demand ", i))), Beat: fmt.Sprint(i)}
			if since := rapid.IntRange(0, 6).Draw(t, "since"); since > 0 {
				d.Since = epoch.Add(time.Duration(since) * time.Hour)
			}
			demands = append(demands, d)
		}
		calls := Calls(demands, held)
		for _, r := range resources {
			var due, asked Windows
			fewest := 0
			for _, d := range demands {
				if d.Resource == r {
					due = due.Union(Merge(d.Window).Subtract(held.Coverage[r].Since(d.Since)))
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
					t.Fatalf("Calls(%v, %v): %v overlaps another, is too long or has no beat", demands, held, c)
				}
				asked = asked.Union(Windows{c.Window})
				n++
			}
			if fmt.Sprint(asked) != fmt.Sprint(due) || n != fewest {
				t.Fatalf("Calls(%v, %v) ask for %s %v in %d windows; due is %v in %d", demands, held, r, asked, n, due, fewest)
			}
		}
	})
}

func TestCallsBeatIsTheFirstDemands(t *testing.T) {
	held := Holding{Coverage: map[dexcom.Resource]Coverage{dexcom.EGVs: Coverage{}.Add(span(0, 10), epoch)}}
	calls := Calls([]Demand{
		{dexcom.EGVs, span(0, 10), time.Time{}, BeatNews}, // is held
		{dexcom.EGVs, span(5, 20), epoch.Add(1), BeatTrailing},
		{dexcom.EGVs, span(0, 30), time.Time{}, BeatBackfill},
	}, held)
	if got, want := fmt.Sprint(calls), fmt.Sprint([]Call{{dexcom.EGVs, span(5, 30), BeatTrailing}}); got != want {
		t.Errorf("Calls = %s, want %s", got, want)
	}
}

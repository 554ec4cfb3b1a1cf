package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// span is the window of the hours from a to b after epoch.
func span(a, b int) Window {
	return Window{epoch.Add(time.Duration(a) * time.Hour), epoch.Add(time.Duration(b) * time.Hour)}
}

const hours = 40 // of the model in which sets are checked hour by hour

func drawWindow(t *rapid.T, label string) Window {
	a := rapid.IntRange(0, hours).Draw(t, label+" start")
	return span(a, a+rapid.IntRange(-2, 15).Draw(t, label+" hours"))
}

func drawWindows(t *rapid.T, label string) Windows {
	n := rapid.IntRange(0, 5).Draw(t, label+" n")
	var ws []Window
	for i := range n {
		ws = append(ws, drawWindow(t, fmt.Sprint(label, " ", i)))
	}
	return merge(ws...)
}

// has reports whether the hour h after epoch belongs to one of ws.
func has(ws []Window, h int) bool {
	return slices.ContainsFunc(ws, func(w Window) bool { return w.Contains(epoch.Add(time.Duration(h) * time.Hour)) })
}

// checkSet checks that ws is a proper set and has the hours that want says.
func checkSet(t *rapid.T, call string, ws Windows, want func(h int) bool) {
	t.Helper()
	for i, w := range ws {
		if w.Empty() || i > 0 && !ws[i-1].End.Before(w.Start) {
			t.Fatalf("%s = %v: window %d is empty, out of order, or touches the one before", call, ws, i)
		}
	}
	for h := -5; h < hours+20; h++ {
		if got := has(ws, h); got != want(h) {
			t.Fatalf("%s = %v: hour %d in it: %t, want %t", call, ws, h, got, want(h))
		}
	}
}

func TestWindowSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := []Window{drawWindow(t, "u"), drawWindow(t, "v"), drawWindow(t, "w")}
		checkSet(t, fmt.Sprintf("merge(%v)", raw), merge(raw...), func(h int) bool { return has(raw, h) })
		a, b, w := drawWindows(t, "a"), drawWindows(t, "b"), drawWindow(t, "x")
		checkSet(t, fmt.Sprintf("%v.Union(%v)", a, b), a.Union(b), func(h int) bool { return has(a, h) || has(b, h) })
		checkSet(t, fmt.Sprintf("%v.Subtract(%v)", a, b), a.Subtract(b), func(h int) bool { return has(a, h) && !has(b, h) })
		checkSet(t, fmt.Sprintf("%v.Within(%v)", a, w), a.Within(w), func(h int) bool { return has(a, h) && has([]Window{w}, h) })
		for h := -5; h < hours+20; h++ {
			if got, want := has([]Window{a.Span()}, h), len(a) > 0 && !span(h, h+1).Intersect(a.Span()).Empty(); got != want {
				t.Fatalf("%v.Span(): hour %d in it: %t, want %t", a, h, got, want)
			}
		}
	})
}

// Splitting must lose no instant and repeat none, whatever the span and limit.
func TestWindowSplitCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Window{epoch, epoch.Add(time.Duration(rapid.Int64Range(-10, 1e6).Draw(t, "length")))}
		limit := time.Duration(rapid.Int64Range(1e4, 2e6).Draw(t, "limit"))
		at, n := w.Start, 0
		for part := range w.Split(limit) {
			if part.Empty() || !part.Start.Equal(at) || part.End.Sub(part.Start) > limit {
				t.Fatalf("%v.Split(%v): part %d is %v, want at most the limit from %v on", w, limit, n, part, at)
			}
			at, n = part.End, n+1
		}
		if !w.Empty() && !at.Equal(w.End) || w.Empty() && n > 0 {
			t.Fatalf("%v.Split(%v) ends at %v after %d parts", w, limit, at, n)
		}
		if length := w.End.Sub(w.Start); length > 0 && n != int((length+limit-1)/limit) {
			t.Fatalf("%v.Split(%v): %d parts, want the fewest", w, limit, n)
		}
	})
}

// A coverage knows for every instant when it was last asked, in whatever order
// the answers come.
func TestCoverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Coverage
		last := map[int]int{} // hour after epoch → asked, in hours after epoch
		for i := range rapid.IntRange(0, 8).Draw(t, "answers") {
			w := drawWindow(t, fmt.Sprint("window ", i))
			asked := rapid.IntRange(1, 6).Draw(t, "asked")
			c = c.Add(w, epoch.Add(time.Duration(asked)*time.Hour))
			for h := range hours + 20 {
				if has([]Window{w}, h) {
					last[h] = max(last[h], asked)
				}
			}
		}
		for i := range c {
			if c[i].Empty() || i > 0 && c[i].Start.Before(c[i-1].End) {
				t.Fatalf("coverage %v: piece %d is empty or overlaps the one before", c, i)
			}
		}
		for since := range 8 {
			at := epoch.Add(time.Duration(since) * time.Hour)
			checkSet(t, fmt.Sprintf("%v.Since(%d h)", c, since), c.Since(at), func(h int) bool { return last[h] >= max(since, 1) })
		}
		w := drawWindow(t, "asked for")
		want, complete := 0, true
		for h := range hours + 20 {
			if !has([]Window{w}, h) {
				continue
			}
			if last[h] == 0 {
				complete = false
			} else if want == 0 || last[h] < want {
				want = last[h]
			}
		}
		got, ok := c.oldest(w)
		if ok != complete || ok && want > 0 && !got.Equal(epoch.Add(time.Duration(want)*time.Hour)) || ok && want == 0 && !got.IsZero() {
			t.Fatalf("%v.oldest(%v) = %v, %t; want %d h, %t", c, w, got, ok, want, complete)
		}
	})
}

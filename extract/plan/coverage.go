package plan

import (
	"slices"
	"sort"
	"time"
)

// Coverage says for one participant, connection and resource which pieces of
// time the log holds an answer for, and when each was last asked. Pieces are in
// order and do not overlap.
type Coverage []Piece

// A Piece is a window and when it was last asked: the time at which the newest
// answer for it was complete.
type Piece struct {
	Window
	Asked time.Time
}

// Add returns c with an answer for w that was asked at the given time. Where c
// has a later answer, that one stays. Like append it may use c's memory.
func (c Coverage) Add(w Window, asked time.Time) Coverage {
	if w.Empty() {
		return c
	}
	// Only the pieces from i to j overlap w or touch it.
	i := sort.Search(len(c), func(i int) bool { return !c[i].End.Before(w.Start) })
	j := i + sort.Search(len(c)-i, func(n int) bool { return c[i+n].Start.After(w.End) })
	var all Coverage
	var later Windows
	for _, p := range c[i:j] {
		if p.Asked.After(asked) {
			all = append(all, p)
			later = append(later, p.Window)
			continue
		}
		for _, rest := range (Windows{p.Window}).Subtract(Windows{w}) {
			all = append(all, Piece{rest, p.Asked})
		}
	}
	for _, rest := range (Windows{w}).Subtract(later) {
		all = append(all, Piece{rest, asked})
	}
	slices.SortFunc(all, func(a, b Piece) int { return a.Start.Compare(b.Start) })
	return slices.Replace(c, i, j, all.join()...)
}

// join merges neighbours that were asked at the same time.
func (c Coverage) join() Coverage {
	joined := c[:0]
	for _, p := range c {
		if n := len(joined); n > 0 && joined[n-1].End.Equal(p.Start) && joined[n-1].Asked.Equal(p.Asked) {
			joined[n-1].End = p.End
		} else {
			joined = append(joined, p)
		}
	}
	return joined
}

// Since returns what was last asked at t or later; with the zero time, all that
// was ever asked.
func (c Coverage) Since(t time.Time) Windows {
	var ws []Window
	for _, p := range c {
		if !p.Asked.Before(t) {
			ws = append(ws, p.Window)
		}
	}
	return merge(ws...)
}

// oldest returns the earliest time at which a piece within w was last asked; ok
// is false if a part of w was never asked. Of an empty window nothing is
// missing: the zero time and true.
func (c Coverage) oldest(w Window) (asked time.Time, ok bool) {
	for _, p := range c {
		if p.Intersect(w).Empty() {
			continue
		}
		if asked.IsZero() || p.Asked.Before(asked) {
			asked = p.Asked
		}
	}
	return asked, len(merge(w).Subtract(c.Since(time.Time{}))) == 0
}

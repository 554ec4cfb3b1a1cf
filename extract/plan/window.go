package plan

import (
	"iter"
	"slices"
	"time"
)

// plausibleStart is the earliest system time that is believed: before 2010 no
// device could have sent a record to this API.
var plausibleStart = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// openEnd stands for an interval that has no end yet.
var openEnd = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// A Window is a half-open interval of system time: Start belongs to it, End
// does not. Both are UTC. A window whose End is not after its Start is empty.
type Window struct{ Start, End time.Time }

// Empty reports whether no instant belongs to w.
func (w Window) Empty() bool { return !w.Start.Before(w.End) }

// Contains reports whether t belongs to w.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Start) && t.Before(w.End) }

// Intersect returns what w and o have in common; it may be empty.
func (w Window) Intersect(o Window) Window {
	return Window{latest(w.Start, o.Start), earliest(w.End, o.End)}
}

// String returns the window as "2026-03-01T00:00:00Z/2026-03-31T00:00:00Z".
func (w Window) String() string {
	return w.Start.UTC().Format(time.RFC3339Nano) + "/" + w.End.UTC().Format(time.RFC3339Nano)
}

// Words tells a person what w is, without the ends that stand for none.
func (w Window) Words() string {
	from, to := w.Start.UTC().Format(time.RFC3339), w.End.UTC().Format(time.RFC3339)
	begins, ends := w.Start.After(plausibleStart), w.End.Before(openEnd)
	switch {
	case begins && ends:
		return "from " + from + " until " + to
	case begins:
		return "from " + from + " on"
	case ends:
		return "until " + to
	}
	return "at any time"
}

// Split cuts w into consecutive windows, oldest first, none longer than limit.
// Together they cover w exactly. The limit must be positive.
func (w Window) Split(limit time.Duration) iter.Seq[Window] {
	return func(yield func(Window) bool) {
		for start := w.Start; start.Before(w.End); start = start.Add(limit) {
			if !yield(Window{start, earliest(w.End, start.Add(limit))}) {
				return
			}
		}
	}
}

// Windows is a set of instants: its windows are in order, none is empty and no
// two overlap or touch. merge makes one. Its methods return new sets and leave
// their operands alone.
type Windows []Window

// merge returns the instants of all ws.
func merge(ws ...Window) Windows {
	sorted := slices.DeleteFunc(slices.Clone(ws), Window.Empty)
	slices.SortFunc(sorted, func(a, b Window) int { return a.Start.Compare(b.Start) })
	var set Windows
	for _, w := range sorted {
		if n := len(set); n > 0 && !w.Start.After(set[n-1].End) {
			set[n-1].End = latest(set[n-1].End, w.End)
		} else {
			set = append(set, w)
		}
	}
	return set
}

// Union returns the instants of s or of o.
func (s Windows) Union(o Windows) Windows { return merge(slices.Concat(s, o)...) }

// Subtract returns the instants of s that are not in o.
func (s Windows) Subtract(o Windows) Windows {
	var left Windows
	for _, w := range s {
		for _, cut := range o {
			if !cut.Start.Before(w.End) {
				break
			}
			if before := (Window{w.Start, earliest(w.End, cut.Start)}); !before.Empty() {
				left = append(left, before)
			}
			w.Start = latest(w.Start, cut.End)
		}
		if !w.Empty() {
			left = append(left, w)
		}
	}
	return left
}

// Within returns the instants of s that are in w.
func (s Windows) Within(w Window) Windows {
	var in Windows
	for _, v := range s {
		if v = v.Intersect(w); !v.Empty() {
			in = append(in, v)
		}
	}
	return in
}

// Span returns the window from the first instant of s to its last; it is empty
// if s is.
func (s Windows) Span() Window {
	if len(s) == 0 {
		return Window{}
	}
	return Window{s[0].Start, s[len(s)-1].End}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

package table

import (
	"slices"

	"github.com/dexetl/dexetl/extract/plain"
)

// A Screen is what text is shown on, and what matters where it is narrow. Its zero value
// shows all.
type Screen struct {
	Width int      // columns of the terminal; 0: any
	First []string // the columns that matter most, and are the last to go
	Prose []string // columns of texts for people, as Prose is

	ends    bool // the others go from the middle, else from the right
	stories bool // rows become records instead
}

// between stands between two columns.
const between = "  "

// What a column holds says how it may be made narrow.
type content int

const (
	exact content = iota // numbers, times: not at all
	text                 // is cut
	prose                // goes on in the next line
)

// A column of text and its width.
type column struct {
	name   string
	at     int // in the row
	is     content
	right  bool
	filled bool // some row has a value
	cells  int  // the widest value
	width  int
}

// holds takes one value into account.
func (c *column) holds(v any, cell string) {
	c.cells = max(c.cells, plain.Width(cell))
	c.filled = c.filled || v != nil
	c.right = c.right || isNumber(v)
	switch v.(type) {
	case Prose:
		c.is = prose
	default:
		if c.is == exact && isText(v) {
			c.is = text
		}
	}
}

// full is the width that shows everything.
func (c column) full() int { return max(c.cells, plain.Width(c.name)) }

// The widths from which texts are cut, and from which prose is broken: an instant and
// most ids are whole, and a few words stand beside each other.
const (
	leastText  = 20
	leastProse = 32
)

// least is the width that still tells something.
func (c column) least() int {
	cells := c.cells
	switch c.is {
	case text:
		cells = min(cells, leastText)
	case prose:
		cells = min(cells, leastProse)
	}
	return max(cells, min(plain.Width(c.name), leastText))
}

// fit is all columns in full; nil if they are too wide.
func (s Screen) fit(all []column) []column {
	shown, total := slices.Clone(all), -len(between)
	for i, c := range all {
		shown[i].width = c.full()
		total += c.full() + len(between)
	}
	if s.Width > 0 && total > s.Width {
		return nil
	}
	return shown
}

// squeeze chooses the columns for which there is room, and shares out what is left of
// it. The first of them is always there.
func (s Screen) squeeze(all []column) []column {
	room, kept := s.Width, []int(nil)
	for _, i := range s.order(all) {
		c, gap := &all[i], len(between)
		switch c.width = c.least(); {
		case len(kept) == 0:
			c.width, gap = min(c.width, room), 0
		case c.is == prose && room-gap >= leastText: // there is nothing better to do with it
			c.width = min(c.width, room-gap)
		}
		if gap+c.width <= room {
			kept, room = append(kept, i), room-gap-c.width
		}
	}
	slices.Sort(kept)
	for grown := true; grown; {
		grown = false
		for _, i := range kept {
			if c := &all[i]; room > 0 && c.width < c.full() {
				c.width, room, grown = c.width+1, room-1, true
			}
		}
	}
	shown := make([]column, len(kept))
	for n, i := range kept {
		shown[n] = all[i]
	}
	return shown
}

// order is which columns are kept rather than others. Those without any value go
// before all others.
func (s Screen) order(all []column) []int {
	rank, order := make([]int, len(all)), make([]int, len(all))
	for i, c := range all {
		rank[i], order[i] = i, i
		if s.ends {
			rank[i] = min(2*i, 2*(len(all)-1-i)+1)
		}
		if !c.filled {
			rank[i] += 2 * len(all)
		}
		if n := slices.Index(s.First, c.name); n >= 0 {
			rank[i] = n - len(s.First)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return rank[a] - rank[b] })
	return order
}

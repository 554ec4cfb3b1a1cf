package table

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/plain"
)

// widthsFrom is how many rows say how wide the columns of a table are. Those after
// them are written as they come, and their numbers may be wider.
const widthsFrom = 1000

// textRows are aligned for people: numbers right, rounded to what a person reads. On
// a screen they fit it: see fit, and record.
type textRows struct {
	layout
	Screen
	all     []column
	waiting [][]string // the first rows, until begun
	begun   bool
	shown   []column // nil where rows are records
	records int      // written
	cut     bool     // some text is not shown in full
}

func newText(l layout, s Screen) *textRows {
	t := &textRows{layout: l, Screen: s}
	for i, name := range l.columns {
		c := column{name: plain.Line(name), at: i}
		if slices.Contains(s.Prose, name) {
			c.is = prose
		}
		t.all = append(t.all, c)
	}
	return t
}

func (t *textRows) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = plain.Line(Short(v, t.kind(i)))
		if !t.begun {
			t.all[i].holds(v, cells[i])
		}
	}
	if t.begun {
		return t.print(cells)
	}
	if t.waiting = append(t.waiting, cells); len(t.waiting) < widthsFrom {
		return nil
	}
	return t.begin()
}

// begin writes the names and the rows that wait.
func (t *textRows) begin() error {
	t.begun = true
	if t.shown = t.fit(t.all); t.shown == nil && len(t.waiting) != 1 && !t.stories {
		t.shown = t.squeeze(t.all)
	}
	if t.shown != nil {
		if err := t.line(func(c column) string { return plain.Cut(c.name, c.width) }); err != nil {
			return err
		}
	}
	for _, cells := range t.waiting {
		if err := t.print(cells); err != nil {
			return err
		}
	}
	t.waiting = nil
	return nil
}

// print writes a row: prose goes on in the lines below.
func (t *textRows) print(cells []string) error {
	if t.shown == nil {
		return t.record(cells)
	}
	below := make([][]string, len(cells)) // the lines after this one
	for more := true; more; {
		more = false
		if err := t.line(func(c column) string {
			var part string
			if part, below[c.at] = t.within(c, cells[c.at], below[c.at]); len(below[c.at]) > 0 {
				more = true
			}
			return part
		}); err != nil {
			return err
		}
		clear(cells)
	}
	return nil
}

// within is what of a cell, or else of its lines below, stands in this line, and what
// is left for those below. Numbers and times are never cut.
func (t *textRows) within(c column, cell string, below []string) (string, []string) {
	switch {
	case len(below) > 0:
		return below[0], below[1:]
	case t.Width == 0 || c.is == exact || plain.Width(cell) <= c.width:
		return cell, nil
	case c.is == prose:
		lines := plain.Break(cell, c.width)
		return lines[0], lines[1:]
	}
	t.cut = true
	return plain.Cut(cell, c.width), nil
}

// line writes one line of the screen, without blanks at its end.
func (t *textRows) line(of func(column) string) error {
	blanks := 0
	for i, c := range t.shown {
		cell := of(c)
		before, after := 0, max(0, c.width-plain.Width(cell))
		if c.right {
			before, after = after, 0
		}
		if i > 0 {
			before += len(between)
		}
		if blanks += before; cell != "" {
			t.to.WriteString(strings.Repeat(" ", blanks))
			t.to.WriteString(cell)
			blanks = 0
		}
		blanks += after
	}
	return t.to.WriteByte('\n') // what went wrong before, too
}

// record writes a row one column below the other, all of it. A long word is whole, so
// that it can be copied, and the terminal breaks it.
func (t *textRows) record(cells []string) error {
	names := 0
	for _, c := range t.all {
		names = max(names, min(plain.Width(c.name), t.Width/3))
	}
	if t.records++; t.records > 1 {
		t.to.WriteByte('\n')
	}
	for i, c := range t.all {
		name := plain.Cut(c.name, names)
		for _, line := range plain.Wrap(cells[i], t.Width-names-len(between)) {
			if _, err := t.to.WriteString(plain.Pad(name, names) + between + line + "\n"); err != nil {
				return err
			}
			name = ""
		}
	}
	return nil
}

func (t *textRows) end() error {
	if !t.begun {
		if err := t.begin(); err != nil {
			return err
		}
	}
	if note := t.note(); note != "" {
		lines := plain.Wrap(note, t.Width-plain.Width(" …"))
		if len(lines) > 1 {
			lines[0] += " …"
		}
		t.to.WriteString(lines[0] + "\n")
	}
	return t.to.Flush()
}

// note says what is not shown, and how to see it.
func (t *textRows) note() string {
	var missing []string
	for _, c := range t.all {
		if t.shown != nil && !slices.ContainsFunc(t.shown, func(s column) bool { return s.at == c.at }) {
			missing = append(missing, c.name)
		}
	}
	switch {
	case len(missing) == 1:
		return "--wide shows 1 more column: " + missing[0]
	case len(missing) > 1:
		return fmt.Sprintf("--wide shows %d more columns: %s", len(missing), strings.Join(missing, ", "))
	case t.cut:
		return "--wide shows texts in full"
	}
	return ""
}

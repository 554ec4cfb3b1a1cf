package load

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// A Sample is a reading, or an event of a person, as others read it.
type Sample struct {
	Type      string // "": a reading; else the event's
	Key       string // that finds it again: of an event its record's id
	At        time.Time
	OffsetSec *int // the wall clock is ahead of UTC; nil: not known
	Value     float64
	Text      string // of a note
	Subtype   string // of an event
}

func (s Sample) same(t Sample) bool {
	return s.At.Equal(t.At) && s.Value == t.Value && s.Text == t.Text && s.Subtype == t.Subtype && s.Type == t.Type &&
		(s.OffsetSec == nil) == (t.OffsetSec == nil) && (s.OffsetSec == nil || *s.OffsetSec == *t.OffsetSec)
}

// A Change is what became of a sample from one snapshot to another.
type Change struct {
	Kind ChangeKind
	Sample
}

// A ChangeKind says what became of a sample.
type ChangeKind int

// The kinds of changes.
const (
	Created ChangeKind = iota
	Updated
	Vanished // the Sample is as it was
)

// News calls do with what leads from one snapshot to another in readings and events of
// people: for one participant after the other, by month and in order of time; first the
// readings of all, then the events. In memory is one participant's month. Of what both
// snapshots have the same files it reads none. Partitions that are damaged on either
// side are left out and returned.
//
// What the study makes of samples, such as exclusions, is no news.
func News(ctx context.Context, a, b Side, do func(participant string, changes []Change) error) (left []NotCompared, err error) {
	for _, of := range []newsOf{newsOfGlucose(), newsOfEvents()} {
		harm, err := of.tell(ctx, a, b, do)
		if left = append(left, harm...); err != nil {
			return left, fmt.Errorf("news of %s: %w", of.tables[0], err)
		}
	}
	return left, nil
}

// newsOf is news of tables that tell of samples together.
type newsOf struct {
	tables  []string
	columns map[string][]string
	samples func(rows map[string][]piece) map[string]Sample // by key; of one participant and month
}

// A newsMonth is a partition of tables that differ in it.
type newsMonth struct {
	name    string
	was, is []*tableCursors // by table
}

// tableCursors go through a table's files of a month on one side.
type tableCursors struct {
	table   string
	cursors []*cursor
}

func (n newsOf) tell(ctx context.Context, a, b Side, do func(string, []Change) error) ([]NotCompared, error) {
	months, left, err := n.months(ctx, a, b)
	if err != nil {
		return left, err
	}
	defer func() {
		for _, m := range months {
			m.each(func(c *cursor) { c.close() })
		}
	}()
	for {
		participant, ok, err := nextOf(months)
		if err != nil || !ok {
			return left, err
		}
		for _, m := range months {
			changes, err := n.changes(m, participant)
			if err == nil && len(changes) > 0 {
				err = do(participant, changes)
			}
			if err != nil {
				return left, err
			}
		}
		if err := ctx.Err(); err != nil {
			return left, err
		}
	}
}

// months are those in which the sides differ, in order.
func (n newsOf) months(ctx context.Context, a, b Side) (months []*newsMonth, left []NotCompared, err error) {
	differ := make(map[string]bool)
	for _, table := range n.tables {
		was, is := differing(onlyIn(shapeNamed(table), a, b), onlyIn(shapeNamed(table), b, a))
		for _, f := range slices.Concat(was, is) {
			differ[f.Partition] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(differ)) {
		m, harm, err := n.month(ctx, name, a, b)
		if left = append(left, harm...); err != nil {
			return months, left, err
		}
		if len(harm) == 0 {
			months = append(months, m)
		}
	}
	return months, left, nil
}

// month has what the sides have of a partition. What they share is left out of a single
// table; of several, rows of one say what those of another mean.
func (n newsOf) month(ctx context.Context, name string, a, b Side) (m *newsMonth, harm []NotCompared, err error) {
	m = &newsMonth{name: name}
	for _, table := range n.tables {
		for _, side := range []struct {
			one, other Side
			to         *[]*tableCursors
		}{{a, b, &m.was}, {b, a, &m.is}} {
			files := side.one.Manifest.TableFiles(table)
			if len(n.tables) == 1 {
				files = onlyIn(shapeNamed(table), side.one, side.other)
			}
			files = slices.DeleteFunc(files, func(f lake.File) bool { return f.Partition != name })
			more, err := damagedParts(ctx, side.one, files)
			if err != nil {
				return nil, nil, err
			}
			harm = append(harm, more...)
			t := &tableCursors{table: table}
			for _, f := range files {
				t.cursors = append(t.cursors, newCursor(ctx, side.one.Lake, f, lake.ReadOptions{Columns: n.columns[table]}))
			}
			*side.to = append(*side.to, t)
		}
	}
	return m, harm, nil
}

func (m *newsMonth) each(do func(*cursor)) {
	for _, t := range slices.Concat(m.was, m.is) {
		for _, c := range t.cursors {
			do(c)
		}
	}
}

// nextOf is the next participant of whom months have rows; false at the end.
func nextOf(months []*newsMonth) (next string, ok bool, err error) {
	for _, m := range months {
		m.each(func(c *cursor) {
			participant, more, failed := c.peek()
			if failed != nil {
				err = failed
			}
			if more && (!ok || participant < next) {
				next, ok = participant, true
			}
		})
	}
	return next, ok, err
}

// changes are those of one participant in a month.
func (n newsOf) changes(m *newsMonth, participant string) ([]Change, error) {
	was, err := n.take(m.was, participant)
	if err != nil {
		return nil, err
	}
	is, err := n.take(m.is, participant)
	if err != nil {
		return nil, err
	}
	var out []Change
	for key, now := range is {
		before, there := was[key]
		switch {
		case there && now.same(before):
		case !there:
			out = append(out, Change{Created, now})
		default:
			out = append(out, Change{Updated, now})
		}
	}
	for key, before := range was {
		if _, there := is[key]; !there {
			out = append(out, Change{Vanished, before})
		}
	}
	slices.SortFunc(out, func(x, y Change) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Kind, y.Kind))
	})
	return out, nil
}

func (n newsOf) take(tables []*tableCursors, participant string) (map[string]Sample, error) {
	rows := make(map[string][]piece)
	defer func() {
		for _, pieces := range rows {
			releasePieces(pieces)
		}
	}()
	for _, t := range tables {
		for _, c := range t.cursors {
			next, more, err := c.peek()
			if err != nil {
				return nil, err
			}
			if !more || next != participant {
				continue
			}
			pieces, err := c.take(participant)
			if err != nil {
				return nil, err
			}
			rows[t.table] = append(rows[t.table], pieces...)
		}
	}
	return n.samples(rows), nil
}

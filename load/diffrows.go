package load

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A stream hands out the rows of files of one table group by group: of a
// participant, of a day of requests, or all of a table that is in another order.
type stream struct {
	order   []int
	cursors []*cursor
}

func newStream(ctx context.Context, t shape, l *lake.Lake, files []lake.File) *stream {
	s := &stream{order: t.order}
	for _, f := range files {
		c := newCursor(ctx, l, f, lake.ReadOptions{})
		switch {
		case t.Kind == transform.Log: // in the order of time
			c.first, c.of = lake.Day(f.FirstTime), dayOfRequest
		case t.order[0] != t.placeOf("participant_id"):
			c.first, c.of = "", func(arrow.RecordBatch, int) string { return "" }
		}
		s.cursors = append(s.cursors, c)
	}
	return s
}

// dayOfRequest labels requests by the UTC date they were asked at.
func dayOfRequest(b arrow.RecordBatch, row int) string {
	return lake.Day(timeOf(b.Column(b.Schema().FieldIndices("asked_at")[0]).(*array.Timestamp).Value(row)))
}

// peek returns the next group; false at the end.
func (s *stream) peek() (group string, ok bool, err error) {
	for _, c := range s.cursors {
		g, more, err := c.peek()
		if err != nil {
			return "", false, err
		}
		if more && (!ok || g < group) {
			group, ok = g, true
		}
	}
	return group, ok, nil
}

// take returns the rows of a group, which is not before the next one, in the
// table's order unless its files overlap. The caller releases them.
func (s *stream) take(group string) ([]piece, error) {
	var pieces []piece
	for _, c := range s.cursors {
		g, more, err := c.peek()
		if err == nil && more && g == group {
			var taken []piece
			taken, err = c.take(group)
			pieces = append(pieces, taken...)
		}
		if err != nil {
			releasePieces(pieces)
			return nil, err
		}
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return compareRows(a.rows, 0, b.rows, 0, s.order) })
	return pieces, nil
}

func (s *stream) close() {
	for _, c := range s.cursors {
		c.close()
	}
}

// A comparison counts, by participant, what differs between two streams of one
// table.
type comparison struct {
	shape
	content, history      []int
	participant, vanished int // columns; absent: the table has none
	counts                map[string]*RowCounts
	rows                  sources // of the group in hand, on both sides
}

func newComparison(t shape) *comparison {
	c := &comparison{shape: t, participant: t.placeOf("participant_id"), vanished: t.placeOf("vanished_at"), counts: make(map[string]*RowCounts)}
	c.content, c.history = t.except(t.Learned...), t.places(t.Learned)
	return c
}

// run compares group by group and closes the streams.
func (c *comparison) run(a, b *stream) error {
	defer a.close()
	defer b.close()
	for {
		group, ok, err := a.peek()
		other, more, err2 := b.peek()
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if !ok && !more {
			return nil
		}
		if !ok || more && other < group {
			group = other
		}
		if err := c.compare(a, b, group); err != nil {
			return err
		}
	}
}

func (c *comparison) compare(a, b *stream, group string) error {
	old, err := a.take(group)
	if err != nil {
		return err
	}
	defer releasePieces(old)
	fresh, err := b.take(group)
	if err != nil {
		return err
	}
	defer releasePieces(fresh)
	c.rows = slices.Concat(batchesOf(old), batchesOf(fresh))
	isOld := func(p pick) bool { return int(p.src) < len(old) }
	was, is := c.rows.picks(isOld), c.rows.picks(func(p pick) bool { return !isOld(p) })
	if !slices.EqualFunc(was, is, func(p, q pick) bool { return c.rows.compare(p, q, c.all) == 0 }) {
		c.match(was, is)
	}
	return nil
}

// match pairs the rows by their keys. Where several have the same one, they
// are paired in their order.
func (c *comparison) match(was, is []pick) {
	places := make(map[string][]int, len(was))
	for i, p := range was {
		k := c.keyOf(c.rows[p.src], int(p.row))
		places[k] = append(places[k], i)
	}
	matched := make([]bool, len(was))
	for _, p := range is {
		k := c.keyOf(c.rows[p.src], int(p.row))
		if len(places[k]) == 0 {
			c.alone(p, func(n *RowCounts) *int64 { return &n.Added })
			continue
		}
		i := places[k][0]
		places[k], matched[i] = places[k][1:], true
		c.pair(was[i], p)
	}
	for i, p := range was {
		if !matched[i] {
			c.alone(p, func(n *RowCounts) *int64 { return &n.Removed })
		}
	}
}

// alone counts a row that only one side has.
func (c *comparison) alone(p pick, as func(*RowCounts) *int64) {
	n := c.count(p)
	if c.present(p) {
		*as(n)++
	} else {
		n.History++
	}
}

// pair counts what differs between two rows of one key.
func (c *comparison) pair(was, is pick) {
	same := c.rows.compare(was, is, c.content) == 0
	switch before, after := c.present(was), c.present(is); {
	case before && !after:
		c.count(was).Removed++
	case !before && after:
		c.count(is).Added++
	case before && !same: // a request that is erased is nobody's any more
		c.count(was).Changed++
	case !same || c.rows.compare(was, is, c.history) != 0:
		c.count(is).History++
	}
}

func (c *comparison) present(p pick) bool {
	return c.vanished == absent || c.rows[p.src].Column(c.vanished).IsNull(int(p.row))
}

func (c *comparison) count(p pick) *RowCounts {
	participant := ""
	if c.participant != absent {
		participant = transform.TextAt(c.rows[p.src].Column(c.participant), int(p.row))
	}
	if c.counts[participant] == nil {
		participant = strings.Clone(participant) // the batch goes
		c.counts[participant] = &RowCounts{Table: c.Name, Participant: participant}
	}
	return c.counts[participant]
}

package raw

import (
	"encoding/binary"
	"errors"
	"time"
)

// columns hold entries field by field: what resembles each other stands
// together. The same calls in the same order fill them and read them back, so
// that the list of fields is written down once (see entryColumns). Each call
// takes the next column.
type columns struct {
	reading bool
	all     [nColumns]column
	next    int // column, of the entry in hand
	bad     bool
}

// A column is a run of varints. One of texts has the texts, each once, in a
// second run behind it.
type column struct {
	varints []byte
	texts   []byte
	places  map[string]uint64 // of texts written, from 1
	known   []string          // texts read
}

// nColumns is how many columns an entry has.
const nColumns = 23

var errColumns = errors.New("its columns end too early or hold what cannot be")

// begin goes to the first column, for the next entry.
func (c *columns) begin() { c.next = 0 }

func (c *columns) column() *column {
	c.next++
	return &c.all[c.next-1]
}

// int moves a number.
func (c *columns) int(v *int64) {
	col := c.column()
	if c.reading {
		*v = c.varint(&col.varints)
	} else {
		col.varints = binary.AppendVarint(col.varints, *v)
	}
}

// text moves a text: the place of one that stood in the column before, from 1,
// or 0 and the text itself.
func (c *columns) text(v *string) {
	col := c.column()
	if c.reading {
		*v = c.readText(col)
		return
	}
	place, known := col.places[*v]
	col.varints = binary.AppendUvarint(col.varints, place)
	if known {
		return
	}
	if col.places == nil {
		col.places = make(map[string]uint64)
	}
	col.places[*v] = uint64(len(col.places) + 1)
	col.texts = append(binary.AppendUvarint(col.texts, uint64(len(*v))), *v...)
}

func (c *columns) readText(col *column) string {
	switch place := c.uvarint(&col.varints); {
	case place > uint64(len(col.known)):
		c.bad = true
		return ""
	case place > 0:
		return col.known[place-1]
	}
	n := c.uvarint(&col.texts)
	if n > uint64(len(col.texts)) {
		c.bad = true
		return ""
	}
	text := string(col.texts[:n])
	col.texts = col.texts[n:]
	col.known = append(col.known, text)
	return text
}

// time moves a time: 0 for none, else twice the microseconds since the full
// second of from, or, where these are full seconds, twice the seconds and one.
func (c *columns) time(t *time.Time, from time.Time) {
	base := from.Truncate(time.Second).UnixMicro()
	var v int64
	if !c.reading && !t.IsZero() {
		if v = 2 * (t.UnixMicro() - base); v%2e6 == 0 {
			v = v/1e6 + 1
		}
	}
	c.int(&v)
	switch {
	case !c.reading:
	case v == 0:
		*t = time.Time{}
	case v%2 != 0:
		*t = time.UnixMicro(base + (v-1)/2*1e6).UTC()
	default:
		*t = time.UnixMicro(base + v/2).UTC()
	}
}

func (c *columns) varint(b *[]byte) int64 {
	v, n := binary.Varint(*b)
	c.skip(b, n)
	return v
}

func (c *columns) uvarint(b *[]byte) uint64 {
	v, n := binary.Uvarint(*b)
	c.skip(b, n)
	return v
}

func (c *columns) skip(b *[]byte, n int) {
	if n <= 0 {
		c.bad, n = true, 0
	}
	*b = (*b)[n:]
}

// append appends the columns to b, each behind its length.
func (c *columns) append(b []byte) []byte {
	for i := range c.all {
		col := &c.all[i]
		for _, part := range [][]byte{col.varints, col.texts} {
			b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
		}
	}
	return b
}

// readColumns splits b into columns.
func readColumns(b []byte) (*columns, error) {
	c := &columns{reading: true}
	part := func() []byte {
		n := c.uvarint(&b)
		if n > uint64(len(b)) {
			c.bad = true
			return nil
		}
		p := b[:n]
		b = b[n:]
		return p
	}
	for i := range c.all {
		c.all[i] = column{varints: part(), texts: part()}
	}
	if c.bad || len(b) > 0 {
		return nil, errColumns
	}
	return c, nil
}

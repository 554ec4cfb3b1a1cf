package transform

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A table builds the rows of a [Table] cell by cell, in the order of its
// columns. That cells and columns agree in type is between the functions of this
// package and its own tables.
type table struct {
	name    string
	schema  *arrow.Schema
	columns []Builder
	next    int // column of the next cell
}

// table starts a table, making room for rows.
func (w *applier) table(name string, rows int) *table {
	of, _ := TableNamed(name)
	t := &table{name: name, schema: of.Schema()}
	for _, f := range t.schema.Fields() {
		c := NewBuilder(w.mem, f.Type)
		c.Resize(rows)
		t.columns = append(t.columns, c)
	}
	w.tables = append(w.tables, t)
	return t
}

// batch takes the rows out of t; nil: there are none.
func (t *table) batch() arrow.RecordBatch {
	rows := t.columns[0].Len()
	if rows == 0 {
		return nil
	}
	arrays := make([]arrow.Array, len(t.columns))
	for i, c := range t.columns {
		arrays[i] = c.NewArray()
		defer arrays[i].Release()
	}
	return array.NewRecordBatch(t.schema, arrays, int64(rows))
}

func (t *table) release() {
	for _, c := range t.columns {
		c.Release()
	}
}

// cell is the builder that the next cell goes to.
func (t *table) cell() Builder {
	c := t.columns[t.next]
	if t.next++; t.next == len(t.columns) {
		t.next = 0
	}
	return c
}

func (t *table) null() { t.cell().AppendNull() }

// texts appends texts; nil, not merely empty, is null.
func (t *table) texts(texts ...[]byte) {
	for _, text := range texts {
		switch c := t.cell().(type) {
		case *TextBuilder:
			c.AppendBytes(text)
		case *array.StringBuilder:
			if text == nil {
				c.AppendNull()
			} else {
				c.BinaryBuilder.Append(text)
			}
		}
	}
}

// orNull is text, or nil if it is empty.
func orNull(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	return text
}

func (t *table) time(at time.Time) { put(t, some(arrow.Timestamp(at.UnixMicro()))) }

// system appends the instant of a time that may not have been sent.
func (t *table) system(at dexcom.Time) {
	put(t, maybe[arrow.Timestamp]{arrow.Timestamp(at.UTC().UnixMicro()), at.Valid})
}

// display appends the wall clock of a time that may not have been sent.
func (t *table) display(at dexcom.Time) {
	put(t, maybe[arrow.Timestamp]{arrow.Timestamp(at.Wall.UnixMicro()), at.Valid})
}

func (t *table) flag(v dexcom.Bool) { put(t, maybe[bool]{v == dexcom.Yes, v != dexcom.Unsent}) }

// A maybe is a value, or none.
type maybe[T any] struct {
	value T
	ok    bool
}

func some[T any](value T) maybe[T] { return maybe[T]{value, true} }

// put appends a cell, null for none.
func put[T any](t *table, m maybe[T]) {
	b := t.cell().(interface {
		Append(T)
		AppendNull()
	})
	if m.ok {
		b.Append(m.value)
	} else {
		b.AppendNull()
	}
}

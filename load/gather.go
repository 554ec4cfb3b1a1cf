package load

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/transform"
)

// A pick names one row: a batch in a list of sources and a row in it.
type pick struct{ src, row int32 }

// sources are batches of one table.
type sources []arrow.RecordBatch

// add returns the place of b.
func (s *sources) add(b arrow.RecordBatch) int32 {
	*s = append(*s, b)
	return int32(len(*s) - 1)
}

// picks are all rows for which keep is true; nil: all rows.
func (s sources) picks(keep func(pick) bool) (picks []pick) {
	for src, b := range s {
		for row := range int(b.NumRows()) {
			if p := (pick{int32(src), int32(row)}); keep == nil || keep(p) {
				picks = append(picks, p)
			}
		}
	}
	return picks
}

// compare orders two rows by some columns.
func (s sources) compare(p, q pick, columns []int) int {
	return compareRows(s[p.src], int(p.row), s[q.src], int(q.row), columns)
}

// sort puts rows into the order of columns.
func (s sources) sort(picks []pick, columns []int) {
	slices.SortStableFunc(picks, func(p, q pick) int { return s.compare(p, q, columns) })
}

// gather copies rows into a new batch. The caller releases it.
func (s sources) gather(mem memory.Allocator, schema *arrow.Schema, picks []pick) arrow.RecordBatch {
	columns := make([]arrow.Array, schema.NumFields())
	for c := range columns {
		arrays := make([]arrow.Array, len(s))
		for i, b := range s {
			arrays[i] = b.Column(c)
		}
		columns[c] = gatherColumn(mem, schema.Field(c).Type, arrays, picks)
	}
	batch := array.NewRecordBatch(schema, columns, int64(len(picks)))
	for _, c := range columns {
		c.Release()
	}
	return batch
}

func gatherColumn(mem memory.Allocator, t arrow.DataType, sources []arrow.Array, picks []pick) arrow.Array {
	if t.ID() == arrow.DICTIONARY {
		return gatherRepeated(mem, sources, picks)
	}
	b := array.NewBuilder(mem, t)
	defer b.Release()
	b.Resize(len(picks))
	switch b := b.(type) {
	case *array.StringBuilder:
		gatherStrings(b, sources, picks)
	case *array.TimestampBuilder:
		gatherValues(b, typed[*array.Timestamp](sources), picks)
	case *array.Int16Builder:
		gatherValues(b, typed[*array.Int16](sources), picks)
	case *array.Int32Builder:
		gatherValues(b, typed[*array.Int32](sources), picks)
	case *array.Int64Builder:
		gatherValues(b, typed[*array.Int64](sources), picks)
	case *array.Float64Builder:
		gatherValues(b, typed[*array.Float64](sources), picks)
	case *array.Date32Builder:
		gatherValues(b, typed[*array.Date32](sources), picks)
	case *array.BooleanBuilder:
		gatherEach(b, typed[*array.Boolean](sources), picks)
	case *array.ListBuilder:
		gatherLists(b, typed[*array.List](sources), picks)
	default:
		panic(fmt.Sprintf("no table has a column of type %s", t))
	}
	return b.NewArray()
}

// gatherRepeated gathers text whose values repeat.
func gatherRepeated(mem memory.Allocator, sources []arrow.Array, picks []pick) arrow.Array {
	b := transform.NewTextBuilder(mem)
	defer b.Release()
	b.Resize(len(picks))
	from := make([]func(row int), len(sources))
	for _, p := range picks {
		if from[p.src] == nil {
			from[p.src] = b.From(sources[p.src])
		}
		from[p.src](int(p.row))
	}
	return b.NewArray()
}

// gatherStrings knows the bytes before it copies them: growing a buffer of ids
// by doubling would copy most of it twice.
func gatherStrings(b *array.StringBuilder, sources []arrow.Array, picks []pick) {
	from := typed[*array.String](sources)
	bytes := 0
	for _, p := range picks {
		bytes += from[p.src].ValueLen(int(p.row))
	}
	b.ReserveData(bytes)
	gatherEach(b, from, picks)
}

// gatherLists gathers lists of small numbers.
func gatherLists(b *array.ListBuilder, from []*array.List, picks []pick) {
	for _, p := range picks {
		if a := from[p.src]; a.IsNull(int(p.row)) {
			b.AppendNull()
		} else {
			appendList(b, transform.SmallsAt(a, int(p.row)))
		}
	}
}

// setTimes returns batch with another column of times; 0 is null. The caller
// releases it.
func setTimes(mem memory.Allocator, batch arrow.RecordBatch, column int, times []arrow.Timestamp) arrow.RecordBatch {
	b := array.NewTimestampBuilder(mem, batch.Schema().Field(column).Type.(*arrow.TimestampType))
	defer b.Release()
	b.Resize(len(times))
	for _, t := range times {
		if t == 0 {
			b.AppendNull()
		} else {
			b.Append(t)
		}
	}
	a := b.NewArray()
	defer a.Release()
	columns := slices.Clone(batch.Columns())
	columns[column] = a
	return array.NewRecordBatch(batch.Schema(), columns, batch.NumRows())
}

// valuesOf is a column of Ts, and builderOf what builds one.
type (
	valuesOf[T any] interface {
		IsNull(int) bool
		Value(int) T
	}
	builderOf[T any] interface {
		Append(T)
		AppendNull()
	}
)

func gatherEach[T any, A valuesOf[T]](b builderOf[T], sources []A, picks []pick) {
	for _, p := range picks {
		if a := sources[p.src]; a.IsNull(int(p.row)) {
			b.AppendNull()
		} else {
			b.Append(a.Value(int(p.row)))
		}
	}
}

// gatherValues is gatherEach for values of a fixed width, which need no call each.
func gatherValues[T any, A interface {
	arrow.Array
	Values() []T
}](b interface{ AppendValues([]T, []bool) }, sources []A, picks []pick) {
	from, nulls := make([][]T, len(sources)), make([]bool, len(sources))
	for i, a := range sources {
		from[i], nulls[i] = a.Values(), a.NullN() > 0
	}
	values, valid := make([]T, len(picks)), make([]bool, len(picks))
	for i, p := range picks {
		values[i] = from[p.src][p.row]
		valid[i] = !nulls[p.src] || sources[p.src].IsValid(int(p.row))
	}
	b.AppendValues(values, valid)
}

func typed[A arrow.Array](arrays []arrow.Array) []A {
	out := make([]A, len(arrays))
	for i, a := range arrays {
		out[i] = a.(A)
	}
	return out
}

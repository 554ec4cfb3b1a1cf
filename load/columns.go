package load

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/go-json-experiment/json/jsontext"

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

// compareAt orders two values of columns of one type, null first.
func compareAt(a arrow.Array, i int, b arrow.Array, j int) int {
	switch an, bn := a.IsNull(i), b.IsNull(j); {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	switch a := a.(type) {
	case *array.String, *array.Dictionary:
		return cmp.Compare(transform.TextAt(a, i), transform.TextAt(b, j))
	case *array.Timestamp:
		return cmp.Compare(a.Value(i), b.(*array.Timestamp).Value(j))
	case *array.Int16:
		return cmp.Compare(a.Value(i), b.(*array.Int16).Value(j))
	case *array.Int32:
		return cmp.Compare(a.Value(i), b.(*array.Int32).Value(j))
	case *array.Int64:
		return cmp.Compare(a.Value(i), b.(*array.Int64).Value(j))
	case *array.Float64:
		return cmp.Compare(a.Value(i), b.(*array.Float64).Value(j))
	case *array.Date32:
		return cmp.Compare(a.Value(i), b.(*array.Date32).Value(j))
	case *array.Boolean:
		return cmp.Compare(bit(a.Value(i)), bit(b.(*array.Boolean).Value(j)))
	}
	panic(fmt.Sprintf("no table has a column of type %s", a.DataType()))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareRows orders two rows by some columns.
func compareRows(a arrow.RecordBatch, i int, b arrow.RecordBatch, j int, columns []int) int {
	for _, c := range columns {
		if d := compareAt(a.Column(c), i, b.Column(c), j); d != 0 {
			return d
		}
	}
	return 0
}

// A shape is a table with the places of its columns looked up once.
type shape struct {
	transform.Table
	schema *arrow.Schema
	place  map[string]int
	key    []int // columns
	order  []int // columns that sort a file
	all    []int
}

func shapeOf(t transform.Table) shape {
	s := shape{Table: t, schema: t.Schema(), place: make(map[string]int)}
	for i, c := range t.Columns {
		s.place[c.Name] = i
		s.all = append(s.all, i)
	}
	s.key, s.order = s.places(t.Key), s.places(t.Order)
	return s
}

// shapes are those of all tables, in their order.
var shapes = sync.OnceValue(func() (all []shape) {
	for _, t := range transform.Tables() {
		all = append(all, shapeOf(t))
	}
	return all
})

// shapeNamed returns the shape of a table of transform.
func shapeNamed(table string) shape {
	for _, s := range shapes() {
		if s.Name == table {
			return s
		}
	}
	panic("no table " + table)
}

// shapesOf returns the shapes of the tables of some kinds, in their order.
func shapesOf(kinds ...transform.Kind) (some []shape) {
	for _, s := range shapes() {
		if slices.Contains(kinds, s.Kind) {
			some = append(some, s)
		}
	}
	return some
}

// absent is the place of a column that a table does not have.
const absent = -1

func (s shape) placeOf(column string) int {
	if place, ok := s.place[column]; ok {
		return place
	}
	return absent
}

// places are those of the named columns.
func (s shape) places(names []string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		places[i] = s.place[name]
	}
	return places
}

// except returns the columns of s but for the named ones.
func (s shape) except(names ...string) []int {
	var columns []int
	for i, c := range s.Columns {
		if !slices.Contains(names, c.Name) {
			columns = append(columns, i)
		}
	}
	return columns
}

func (s shape) text(b arrow.RecordBatch, column string) transform.TextColumn {
	return transform.TextOf(b.Column(s.place[column]))
}

func (s shape) times(b arrow.RecordBatch, column string) *array.Timestamp {
	return b.Column(s.place[column]).(*array.Timestamp)
}

func (s shape) longs(b arrow.RecordBatch, column string) *array.Int64 {
	return b.Column(s.place[column]).(*array.Int64)
}

// appendRow writes a row as a JSON object in the order of its columns.
func (s shape) appendRow(out []byte, b arrow.RecordBatch, row int, columns []int) []byte {
	out = append(out, '{')
	for n, c := range columns {
		if n > 0 {
			out = append(out, ',')
		}
		out = quote(out, s.Columns[c].Name)
		out = append(out, ':')
		out = appendValue(out, b.Column(c), row)
	}
	return append(out, '}')
}

func appendValue(out []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(out, "null"...)
	}
	switch a := a.(type) {
	case *array.String, *array.Dictionary:
		return quote(out, transform.TextAt(a, i))
	case *array.Timestamp:
		return quoteTime(out, a.Value(i))
	case *array.Int16:
		return strconv.AppendInt(out, int64(a.Value(i)), 10)
	case *array.Int32:
		return strconv.AppendInt(out, int64(a.Value(i)), 10)
	case *array.Int64:
		return strconv.AppendInt(out, a.Value(i), 10)
	case *array.Float64:
		return strconv.AppendFloat(out, a.Value(i), 'g', -1, 64)
	case *array.Date32:
		return strconv.AppendInt(out, int64(a.Value(i)), 10)
	case *array.Boolean:
		return strconv.AppendBool(out, a.Value(i))
	}
	panic(fmt.Sprintf("no record has a column of type %s", a.DataType()))
}

func quoteTime(out []byte, t arrow.Timestamp) []byte {
	return quote(out, time.UnixMicro(int64(t)).UTC().Format("2006-01-02T15:04:05.999999"))
}

func quote(out []byte, s string) []byte {
	// Invalid UTF-8 becomes U+FFFD, which is all AppendQuote can complain about.
	out, _ = jsontext.AppendQuote(out, s)
	return out
}

// instant is t as the tables hold it.
func instant(t time.Time) arrow.Timestamp { return arrow.Timestamp(t.UnixMicro()) }

// month names the partition of a time, such as 2026-03.
func month(t arrow.Timestamp) string { return time.UnixMicro(int64(t)).UTC().Format("2006-01") }

// A calendar month as a number, so that neighbours are one apart.
type monthNo int32

func monthOf(t arrow.Timestamp) monthNo {
	u := time.UnixMicro(int64(t)).UTC()
	return monthNo(u.Year()*12 + int(u.Month()) - 1)
}

func (m monthNo) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

// bounds are the first instant of m and that of the month after it, in
// microseconds.
func (m monthNo) bounds() (from, to int64) {
	first := time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC)
	return first.UnixMicro(), first.AddDate(0, 1, 0).UnixMicro()
}

func parseMonth(s string) (monthNo, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return 0, fmt.Errorf("partition %q: %w", s, err)
	}
	return monthNo(t.Year()*12 + int(t.Month()) - 1), nil
}

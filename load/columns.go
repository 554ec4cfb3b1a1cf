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
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/transform"
)

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
	case *array.List:
		return slices.Compare(transform.SmallsAt(a, i), transform.SmallsAt(b.(*array.List), j))
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

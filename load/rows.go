package load

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// day is a date in a row.
type day time.Time

// rows builds small tables row by row; big ones are gathered by column.
type rows struct {
	shape
	mem memory.Allocator
	b   *array.RecordBuilder
}

func newRows(mem memory.Allocator, table string) *rows {
	s := shapeNamed(table)
	return &rows{shape: s, mem: mem, b: array.NewRecordBuilder(mem, s.schema)}
}

// row appends a row. The values are in the order of the columns; empty text in
// a nullable column and zero times are null.
func (r *rows) row(values ...any) {
	if len(values) != len(r.Columns) {
		panic(fmt.Sprintf("%d values for %d columns of %s", len(values), len(r.Columns), r.Name))
	}
	for i, v := range values {
		appendTo(r.b.Field(i), v, r.Columns[i].Nullable)
	}
}

func appendTo(to array.Builder, v any, nullable bool) {
	switch v := v.(type) {
	case nil:
		to.AppendNull()
	case string:
		if v == "" && nullable {
			to.AppendNull()
		} else if repeated, ok := to.(*array.BinaryDictionaryBuilder); ok {
			_ = repeated.AppendString(v) // its error is about other types
		} else {
			to.(*array.StringBuilder).Append(v)
		}
	case time.Time:
		if v.IsZero() {
			to.AppendNull()
		} else {
			to.(*array.TimestampBuilder).Append(instant(v))
		}
	case day:
		if time.Time(v).IsZero() {
			to.AppendNull()
		} else {
			to.(*array.Date32Builder).Append(arrow.Date32FromTime(time.Time(v)))
		}
	case *int16:
		appendPointer(to.(*array.Int16Builder), v)
	case *int32:
		appendPointer(to.(*array.Int32Builder), v)
	case *int64:
		appendPointer(to.(*array.Int64Builder), v)
	case []int16:
		appendList(to.(*array.ListBuilder), v)
	case int16:
		to.(*array.Int16Builder).Append(v)
	case int32:
		to.(*array.Int32Builder).Append(v)
	case int64:
		to.(*array.Int64Builder).Append(v)
	case bool:
		to.(*array.BooleanBuilder).Append(v)
	default:
		panic(fmt.Sprintf("no small table has a column for %T", v))
	}
}

func appendList(to *array.ListBuilder, v []int16) {
	to.Append(true)
	to.ValueBuilder().(*array.Int16Builder).AppendValues(v, nil)
}

func appendPointer[T any](to builderOf[T], v *T) {
	if v == nil {
		to.AppendNull()
	} else {
		to.Append(*v)
	}
}

// batch returns the rows in the table's order. The caller releases it.
func (r *rows) batch() arrow.RecordBatch {
	batch := r.b.NewRecordBatch()
	r.b.Release()
	defer batch.Release()
	of := sources{batch}
	picks := of.picks(nil)
	of.sort(picks, r.order)
	return of.gather(r.mem, r.schema, picks)
}

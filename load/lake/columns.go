package lake

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/transform"
)

// absent is the place of a column that a file does not have.
const absent = -1

// columns say where a file has the wanted columns of a table.
type columns struct {
	schema *arrow.Schema // of those wanted, as the table has them
	read   []int         // places in the file, ascending
	from   []int         // for each one wanted, its place in read, or absent
}

// columnsOf returns the places of named columns of a table, all of them for nil.
func columnsOf(t transform.Table, names []string) (wanted []int, err error) {
	for i, c := range t.Columns {
		if names == nil || slices.Contains(names, c.Name) {
			wanted = append(wanted, i)
		}
	}
	if names != nil && len(wanted) != len(names) {
		return nil, fmt.Errorf("table %s does not have all of the columns %q", t.Name, names)
	}
	return wanted, nil
}

// findColumns looks for the wanted columns of t in a file. One that may be null
// may be absent: the file is older than the column. Those of a newer program are
// passed over.
func findColumns(file *arrow.Schema, t transform.Table, wanted []int) (columns, error) {
	found := columns{schema: projection(t, wanted), from: make([]int, len(wanted))}
	places := make([]int, len(wanted))
	for i, w := range wanted {
		c := t.Columns[w]
		places[i] = placeOf(file, c.Name)
		if places[i] == absent && !c.Nullable {
			return columns{}, fmt.Errorf("no column %s", c.Name)
		}
		if want := found.schema.Field(i).Type; places[i] != absent && !arrow.TypeEqual(file.Field(places[i]).Type, want) {
			return columns{}, fmt.Errorf("column %s is %s, the table has %s", c.Name, file.Field(places[i]).Type, want)
		}
	}
	found.read = slices.DeleteFunc(slices.Sorted(slices.Values(places)), func(p int) bool { return p == absent })
	if len(found.read) == 0 {
		found.read = []int{0} // a batch has its rows from somewhere
	}
	for i, p := range places {
		found.from[i] = slices.Index(found.read, p)
	}
	return found, nil
}

func placeOf(s *arrow.Schema, column string) int {
	if at := s.FieldIndices(column); len(at) == 1 {
		return at[0]
	}
	return absent
}

// projection is the table's schema with only some columns.
func projection(t transform.Table, wanted []int) *arrow.Schema {
	all := t.Schema()
	fields := make([]arrow.Field, len(wanted))
	for i, w := range wanted {
		fields[i] = all.Field(w)
	}
	metadata := all.Metadata()
	return arrow.NewSchema(fields, &metadata)
}

// batch puts what was read into the table's order, nulls for what is absent.
// The caller releases it; read stays the file reader's.
func (c columns) batch(read arrow.RecordBatch) arrow.RecordBatch {
	arrays := make([]arrow.Array, len(c.from))
	for i, place := range c.from {
		if place == absent {
			arrays[i] = array.MakeArrayOfNull(memory.DefaultAllocator, c.schema.Field(i).Type, int(read.NumRows()))
			defer arrays[i].Release()
			continue
		}
		arrays[i] = read.Column(place)
	}
	return array.NewRecordBatch(c.schema, arrays, read.NumRows())
}

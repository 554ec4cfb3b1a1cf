package lake

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/reader"

	"github.com/dexetl/dexetl/transform"
)

// Every table comes back as it was written, and a second implementation of
// Parquet reads the very same values, nulls and several row groups included.
func TestEqualRowsReadBack(t *testing.T) {
	chance := rand.New(rand.NewPCG(7, 7))
	for _, table := range transform.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			l := locked(t)
			l.GroupBytes = 1
			rows := some(table, 300, chance)
			defer rows.Release()
			f := write(t, l.Begin(Manifest{}), table, rows.NewSlice(0, 100), rows.NewSlice(100, 300))
			if n := rowGroups(t, l, f); n != 2 {
				t.Fatalf("file of %s has %d row groups, want 2", table.Name, n)
			}
			got := readAll(t, l, f, ReadOptions{})
			if !array.RecordEqual(rows, got) {
				t.Errorf("Read(%s): rows differ from those written", table.Name)
			}
			if !got.Schema().Equal(table.Schema()) {
				t.Errorf("Read(%s): schema %v, want %v", table.Name, got.Schema(), table.Schema())
			}
			strangerAgrees(t, filepath.Join(l.Path(), f.Path), rows)
		})
	}
}

func TestStrangerReadsReadings(t *testing.T) {
	l := locked(t)
	rows := egvs(t, 2, 2000)
	rows.Retain()
	defer rows.Release()
	f := write(t, l.Begin(Manifest{}), tableNamed(t, "egvs"), rows)
	strangerAgrees(t, filepath.Join(l.Path(), f.Path), rows)
}

func rowGroups(t testing.TB, l *Lake, f File) int {
	t.Helper()
	in, err := l.open(f)
	if err != nil {
		t.Fatalf("open(%s): %v", f.Path, err)
	}
	defer in.Close()
	p, err := file.NewParquetReader(in)
	if err != nil {
		t.Fatalf("footer of %s: %v", f.Path, err)
	}
	return p.NumRowGroups()
}

func strangerAgrees(t *testing.T, name string, want arrow.RecordBatch) {
	t.Helper()
	in, err := local.NewLocalFileReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	p, err := reader.NewParquetColumnReader(in, 1)
	if err != nil {
		t.Fatalf("parquet-go opens %s: %v", name, err)
	}
	defer p.ReadStop()
	for i, column := range want.Columns() {
		got, _, _, err := p.ReadColumnByIndex(int64(i), want.NumRows())
		if err != nil {
			t.Fatalf("parquet-go reads %s: %v", want.ColumnName(i), err)
		}
		wanted := flat(column)
		if len(got) != len(wanted) {
			t.Fatalf("parquet-go reads %d values of %s, want %d", len(got), want.ColumnName(i), len(wanted))
		}
		for n, w := range wanted {
			if got[n] != w {
				t.Fatalf("parquet-go reads value %d of %s as %#v, want %#v", n, want.ColumnName(i), got[n], w)
			}
		}
	}
}

// flat returns all values of a column, one after the other; of a list without any, one
// that is nil.
func flat(column arrow.Array) (values []any) {
	list, isList := column.(*array.List)
	for row := range column.Len() {
		switch {
		case !isList:
			values = append(values, physical(column, row))
		case len(transform.SmallsAt(list, row)) == 0:
			values = append(values, nil)
		default:
			for _, n := range transform.SmallsAt(list, row) {
				values = append(values, int32(n))
			}
		}
	}
	return values
}

// physical returns a value as Parquet's physical type holds it.
func physical(column arrow.Array, row int) any {
	if column.IsNull(row) {
		return nil
	}
	switch v := column.(type) {
	case *array.String, *array.Dictionary:
		return string(bytes.Clone([]byte(transform.TextAt(v, row))))
	case *array.Timestamp:
		return int64(v.Value(row))
	case *array.Date32:
		return int32(v.Value(row))
	case *array.Int16:
		return int32(v.Value(row))
	case *array.Int32:
		return v.Value(row)
	case *array.Int64:
		return v.Value(row)
	case *array.Float64:
		return v.Value(row)
	case *array.Boolean:
		return v.Value(row)
	}
	panic(fmt.Sprintf("test: no physical value of %T", column))
}

package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A row is a row of a table; a null is absent.
type row map[string]any

// applied is a batch taken apart.
type applied struct {
	Batch
	rows map[string][]row
}

// pageOf wraps records in the envelope of resource.
func pageOf(resource dexcom.Resource, records ...string) []byte {
	return fmt.Appendf(nil, `{"recordType":%q,"recordVersion":"3.0","userId":"u1","records":[%s]}`, resource, strings.Join(records, ","))
}

// answerOf is an answer asked at the instant asked.
func answerOf(resource dexcom.Resource, body []byte) Answer {
	return Answer{RequestID: "R1", ParticipantID: "P001", ConnectionID: "C1", Resource: resource, AskedAt: asked, Body: body}
}

// apply applies a and checks that all memory is given back and all rows have
// the schema's columns.
func apply(t testing.TB, a Answer) applied {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	batch, err := Apply(t.Context(), mem, a)
	if err != nil {
		t.Fatalf("Apply(%s): %v", a.Body, err)
	}
	defer batch.Release()
	got := applied{batch, map[string][]row{}}
	for name, b := range batch.Tables {
		table, ok := TableNamed(name)
		if !ok || !b.Schema().Equal(table.Schema()) {
			t.Fatalf("Apply(%s): table %s has schema %s", a.Body, name, b.Schema())
		}
		got.rows[name] = rowsOf(t, table, b)
	}
	return got
}

func rowsOf(t testing.TB, table Table, b arrow.RecordBatch) []row {
	t.Helper()
	rows := make([]row, b.NumRows())
	for i := range rows {
		rows[i] = row{}
		for c, column := range table.Columns {
			switch {
			case b.Column(c).IsValid(i):
				rows[i][column.Name] = cell(b.Column(c), i)
			case !column.Nullable:
				t.Errorf("%s row %d: %s is null", table.Name, i, column.Name)
			}
		}
	}
	return rows
}

func cell(a arrow.Array, i int) any {
	switch a := a.(type) {
	case *array.String, *array.Dictionary:
		return TextOf(a).Value(i)
	case *array.Timestamp:
		return a.Value(i).ToTime(arrow.Microsecond).Format("2006-01-02T15:04:05.999999")
	case *array.Int16:
		return int(a.Value(i))
	case *array.Int32:
		return int(a.Value(i))
	case *array.Int64:
		return int(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.Boolean:
		return a.Value(i)
	}
	panic(fmt.Sprintf("cell of %T", a))
}

// absent stands for null where a test expects it.
type absent struct{}

// expect compares the columns that want names.
func expect(t testing.TB, call string, got, want row) {
	t.Helper()
	for column, value := range want {
		if value == (absent{}) {
			value = nil
		}
		if got[column] != value {
			t.Errorf("%s: %s is %#v, want %#v", call, column, got[column], value)
		}
	}
}

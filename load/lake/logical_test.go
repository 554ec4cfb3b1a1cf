package lake

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/transform"
)

// values are the rows of a table as a test changes them.
type values []map[string]any

func randomValues(table transform.Table, rows int, chance *rand.Rand) values {
	batch := some(table, rows, chance)
	defer batch.Release()
	v := make(values, rows)
	for i := range v {
		v[i] = map[string]any{}
		for c, column := range batch.Columns() {
			v[i][batch.ColumnName(c)] = valueOf(column, i)
		}
	}
	return v
}

// valueOf is the inverse of appendValue.
func valueOf(column arrow.Array, i int) any {
	if column.IsNull(i) {
		return nil
	}
	switch c := column.(type) {
	case *array.Timestamp:
		return c.Value(i)
	case *array.Date32:
		return c.Value(i).ToTime()
	case *array.Int16:
		return int(c.Value(i))
	case *array.Int32:
		return int(c.Value(i))
	case *array.Int64:
		return int(c.Value(i))
	case *array.List:
		return listOf(transform.SmallsAt(c, i))
	default:
		return physical(column, i)
	}
}

func (v values) batch(table transform.Table) arrow.RecordBatch {
	return build(table, len(v), func(row int, column string) any { return v[row][column] })
}

func logicalOf(t rapid.TB, table transform.Table, parts ...values) string {
	t.Helper()
	var files []File
	for _, part := range parts {
		batch := part.batch(table)
		sum, err := hashRows(batch)
		batch.Release()
		if err != nil {
			t.Fatalf("hashRows: %v", err)
		}
		files = append(files, File{LogicalHash: sum.String()})
	}
	sum, err := LogicalHash(files...)
	if err != nil {
		t.Fatalf("LogicalHash: %v", err)
	}
	return sum
}

// The logical hash depends on the rows and on nothing else: not on their order,
// nor on how they are cut into files.
func TestLogicalHashOfAnyLayout(t *testing.T) {
	tables := transform.Tables()
	rapid.Check(t, func(t *rapid.T) {
		table := tables[rapid.IntRange(0, len(tables)-1).Draw(t, "table")]
		rows := randomValues(table, rapid.IntRange(0, 12).Draw(t, "rows"), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		want := logicalOf(t, table, rows)
		shuffled := rapid.Permutation(rows).Draw(t, "order")
		a := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		b := rapid.IntRange(a, len(rows)).Draw(t, "cut")
		if got := logicalOf(t, table, shuffled[:a], shuffled[a:b], shuffled[b:]); got != want {
			t.Errorf("logical hash of %d rows of %s cut at %d and %d = %s, whole %s", len(rows), table.Name, a, b, got, want)
		}
	})
}

// Any changed value changes the hash, and so does any row, a copy of one
// included; what does not count does not.
func TestLogicalHashTellsRowsApart(t *testing.T) {
	chance := rand.New(rand.NewPCG(9, 9))
	for _, table := range transform.Tables() {
		rows := randomValues(table, 5, chance)
		for i := range rows {
			delete(rows[i], "vanished_at")
		}
		want := logicalOf(t, table, rows)
		for _, column := range table.Columns {
			changed := slices.Clone(rows)
			changed[2] = other(rows[2], column, chance)
			counts := !slices.Contains([]string{"request_id", "first_seen_at"}, column.Name)
			if differs := logicalOf(t, table, changed) != want; differs != counts {
				t.Errorf("%s: with another %s the logical hash differs: %t, want %t", table.Name, column.Name, differs, counts)
			}
		}
		if logicalOf(t, table, append(slices.Clone(rows), rows[0])) == want {
			t.Errorf("%s: a row more does not change the logical hash", table.Name)
		}
		if logicalOf(t, table, rows[1:]) == want {
			t.Errorf("%s: a row less does not change the logical hash", table.Name)
		}
	}
}

// other returns row with another value in one column.
func other(row map[string]any, column transform.Column, chance *rand.Rand) map[string]any {
	changed := map[string]any{}
	for k, v := range row {
		changed[k] = v
	}
	for changed[column.Name] == row[column.Name] {
		changed[column.Name] = anyValue(column.Type, chance)
	}
	return changed
}

// A lake that saw a record before it vanished and one that never did are equal.
func TestLogicalHashLeavesOutVanishedRows(t *testing.T) {
	table := tableNamed(t, "egvs")
	rows := randomValues(table, 5, rand.New(rand.NewPCG(9, 9)))
	for i := range rows {
		rows[i]["vanished_at"] = nil
	}
	rows[4]["vanished_at"] = micros(march)
	if got, want := logicalOf(t, table, rows), logicalOf(t, table, rows[:4]); got != want {
		t.Errorf("logical hash with a vanished row = %s, without it %s", got, want)
	}
}

// Values that meet in neighbouring columns do not run together.
func TestLogicalHashSeparatesColumns(t *testing.T) {
	table := tableNamed(t, "settings")
	one := logicalOf(t, table, values{{"key": "ab", "value": "c"}})
	two := logicalOf(t, table, values{{"key": "a", "value": "bc"}})
	spoof := logicalOf(t, table, values{{"key": "avalue\x00bc", "value": nil}})
	null := logicalOf(t, table, values{{"key": "a", "value": nil}})
	empty := logicalOf(t, table, values{{"key": "a", "value": ""}})
	if one == two || two == spoof || null == empty {
		t.Errorf("logical hashes of different rows: %s, %s and %s, %s and %s", one, two, spoof, null, empty)
	}
}

// A file's hash is that of its rows, however they were handed over.
func TestFileHasLogicalHash(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "windows")
	rows := some(table, 2*sliceRows+7, rand.New(rand.NewPCG(4, 4)))
	defer rows.Release()
	sum, err := hashRows(rows)
	if err != nil {
		t.Fatal(err)
	}
	f := write(t, l.Begin(Manifest{}), table, rows.NewSlice(0, 1000), rows.NewSlice(1000, rows.NumRows()))
	if f.LogicalHash != sum.String() {
		t.Errorf("LogicalHash of the file = %s, of its rows %s", f.LogicalHash, sum)
	}
	again, err := hashRows(readAll(t, l, f, ReadOptions{}))
	if err != nil || f.LogicalHash != again.String() {
		t.Errorf("LogicalHash of the file = %s, of the rows read %s, %v", f.LogicalHash, again, err)
	}
}

func TestLogicalHashRefuses(t *testing.T) {
	for _, hash := range []string{"", "00", "zz"} {
		if sum, err := LogicalHash(File{LogicalHash: hash}); err == nil {
			t.Errorf("LogicalHash of a file with %q = %s, want an error", hash, sum)
		}
	}
	if sum, err := LogicalHash(); err != nil || sum != (logicalHash{}).String() {
		t.Errorf("LogicalHash() = %s, %v; want zero", sum, err)
	}
	list := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Uint8}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, list)
	defer b.Release()
	r := b.NewRecordBatch()
	defer r.Release()
	if _, err := hashRows(r); err == nil {
		t.Error("hashRows of an uint8 column: no error")
	}
}

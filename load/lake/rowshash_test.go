package lake

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/transform"
)

// hashed are files of rows, as their manifest has them.
func hashed(table transform.Table, parts ...values) (files []File) {
	for _, part := range parts {
		var h rowsHash
		batch := part.batch(table)
		h.add(batch)
		batch.Release()
		files = append(files, File{RowsHash: h.String(), Rows: int64(len(part))})
	}
	return files
}

// Rows are the same in any order, and however they are cut into files and batches.
func TestSameRowsOfAnyLayout(t *testing.T) {
	tables := transform.Tables()
	rapid.Check(t, func(t *rapid.T) {
		table := tables[rapid.IntRange(0, len(tables)-1).Draw(t, "table")]
		rows := randomValues(table, rapid.IntRange(0, 12).Draw(t, "rows"), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		shuffled := rapid.Permutation(rows).Draw(t, "order")
		a := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		b := rapid.IntRange(a, len(rows)).Draw(t, "cut")
		if !SameRows(hashed(table, rows), hashed(table, shuffled[:a], shuffled[a:b], shuffled[b:])) {
			t.Errorf("%d rows of %s cut at %d and %d are not the same", len(rows), table.Name, a, b)
		}
	})
}

// Any other value makes other rows, and so does a row more or less, or two that
// exchange a value.
func TestSameRowsTellsApart(t *testing.T) {
	chance := rand.New(rand.NewPCG(9, 9))
	for _, table := range transform.Tables() {
		rows := randomValues(table, 5, chance)
		was := hashed(table, rows)
		differ := func(what string, is values) {
			t.Helper()
			if SameRows(was, hashed(table, is)) {
				t.Errorf("%s: with %s the rows are the same", table.Name, what)
			}
		}
		for _, column := range table.Columns {
			changed := slices.Clone(rows)
			changed[2] = other(rows[2], column, chance)
			differ("another "+column.Name, changed)
			if a, b := rows[0][column.Name], changed[2][column.Name]; a != b {
				exchanged := slices.Clone(changed)
				exchanged[0], exchanged[2] = with(rows[0], column.Name, b), with(rows[2], column.Name, a)
				if SameRows(hashed(table, changed), hashed(table, exchanged)) {
					t.Errorf("%s: rows that exchange their %s are the same", table.Name, column.Name)
				}
			}
		}
		differ("a row more", append(slices.Clone(rows), rows[0]))
		differ("a row less", rows[1:])
	}
	without := hashed(tableNamed(t, "egvs"), nil)
	without[0].RowsHash = ""
	if SameRows(without, without) {
		t.Error("files of which the manifest says no hash have the same rows")
	}
}

// with is a row with a value of one column.
func with(row map[string]any, column string, value any) map[string]any {
	changed := map[string]any{}
	for k, v := range row {
		changed[k] = v
	}
	changed[column] = value
	return changed
}

// A file says the hash of its rows, however they were handed over, and of which it was joined.
func TestFileHasRowsHash(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "egvs")
	rows := egvs(t, 2, 100)
	defer rows.Release()
	c := l.Begin(Manifest{})
	whole := write(t, c, table, rows.NewSlice(0, 200))
	parts := []File{write(t, c, table, rows.NewSlice(0, 10), rows.NewSlice(10, 90)), write(t, c, table, rows.NewSlice(90, 200))}
	joined, err := c.Join(t.Context(), parts...)
	if err != nil {
		t.Fatal(err)
	}
	var h rowsHash
	read := readAll(t, l, whole, ReadOptions{})
	h.add(read)
	for what, files := range map[string][]File{"two": parts, "joined": {joined}, "as it is read": {{RowsHash: h.String(), Rows: 200}}} {
		if !SameRows([]File{whole}, files) {
			t.Errorf("files are not the same as one file: %s", what)
		}
	}
}

// BenchmarkRowsHash is what the hash costs.
func BenchmarkRowsHash(b *testing.B) {
	rows := egvs(b, 20, 8640)
	defer rows.Release()
	since := cpuTime()
	for b.Loop() {
		var h rowsHash
		h.add(rows)
	}
	perRow(b, since, rows.NumRows())
}

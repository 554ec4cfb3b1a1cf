package lake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/dexetl/dexetl/transform"
)

func TestReadColumns(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "egvs")
	rows := some(table, 100, rand.New(rand.NewPCG(5, 5)))
	rows.Retain()
	defer rows.Release()
	f := write(t, l.Begin(Manifest{}), table, rows)
	got := readAll(t, l, f, ReadOptions{Columns: []string{"record_id", "participant_id"}})
	if got.NumCols() != 2 || got.ColumnName(0) != "participant_id" || got.ColumnName(1) != "record_id" {
		t.Fatalf("columns = %s, want participant_id, record_id", got.Schema())
	}
	if !array.Equal(got.Column(1), rows.Column(3)) {
		t.Error("record_id differs from what was written")
	}
	for _, err := range l.Read(t.Context(), f, ReadOptions{Columns: []string{"none"}}) {
		var damage *DamageError
		if err == nil || errors.As(err, &damage) {
			t.Errorf("Read of a column that does not exist = %v, want an error, and not of the file", err)
		}
	}
}

// Row groups without the participants of interest are not read, and none with
// them is missed.
func TestReadParticipants(t *testing.T) {
	l := locked(t)
	l.GroupBytes = 1
	table := tableNamed(t, "glucose")
	// Four rows each, P0000 to P0059, so that groups begin with P0000, P0020 and P0040.
	const group = 80
	rows := some(table, 3*group, rand.New(rand.NewPCG(5, 5)))
	defer rows.Release()
	f := write(t, l.Begin(Manifest{}), table, rows.NewSlice(0, group), rows.NewSlice(group, 2*group), rows.NewSlice(2*group, 3*group))
	tests := []struct {
		from, to string
		want     int // row groups
	}{
		{"", "", 3},
		{"P0000", "P0000", 1},
		{"P0019", "P0019", 1},
		{"P0020", "P0020", 1},
		{"P0020", "", 2},
		{"", "P0019", 1},
		{"P0019", "P0020", 2},
		{"P0019x", "P0019y", 0},
		{"Q", "", 0},
		{"", "A", 0},
	}
	for _, test := range tests {
		read := 0
		for batch, err := range l.Read(t.Context(), f, ReadOptions{From: test.from, To: test.to, Columns: []string{"participant_id"}}) {
			if err != nil {
				t.Fatalf("Read(%q to %q): %v", test.from, test.to, err)
			}
			read += int(batch.NumRows())
			batch.Release()
		}
		if groups := read / group; groups != test.want {
			t.Errorf("Read(%q to %q) reads %d row groups, want %d", test.from, test.to, groups, test.want)
		}
	}
}

func TestReadCancelled(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "vanish_pending")
	f := write(t, l.Begin(Manifest{}), table, some(table, 2*readRows, rand.New(rand.NewPCG(5, 5))))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for batch, err := range l.Read(ctx, f, ReadOptions{}) {
		last = err
		if batch != nil {
			batch.Release()
		}
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("Read after its context was cancelled ends with %v, want context.Canceled", last)
	}
}

func readErr(t *testing.T, l *Lake, f File) error {
	t.Helper()
	for batch, err := range l.Read(t.Context(), f, ReadOptions{}) {
		if err != nil {
			return err
		}
		batch.Release()
	}
	return nil
}

func TestReadDamaged(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "egvs")
	f := write(t, l.Begin(Manifest{}), table, some(table, 100, rand.New(rand.NewPCG(5, 5))))
	name := filepath.Join(l.Path(), f.Path)
	more := f
	more.Rows++
	check := func(what string, f File, missing bool) {
		t.Helper()
		var damage *DamageError
		if err := readErr(t, l, f); !errors.As(err, &damage) || damage.Path != f.Path || errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("Read of a file with %s = %v, want a DamageError that names it", what, err)
		}
	}
	check("fewer rows than the manifest says", more, false)
	if err := os.Truncate(name, f.Bytes-1); err != nil {
		t.Fatal(err)
	}
	check("fewer bytes", f, false)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	check("nothing", f, true)
}

// Of flipped bits nearly all are noticed while reading, none brings the
// program down, and Check notices every one.
func TestReadFlippedBits(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "egvs")
	rows := egvs(t, 1, 500)
	rows.Retain()
	defer rows.Release()
	f := write(t, l.Begin(Manifest{}), table, rows)
	sound, err := l.dir.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(11, 11))
	const flips = 100
	silent := 0
	for range flips {
		content := slices.Clone(sound)
		bit := chance.IntN(8 * len(content))
		content[bit/8] ^= 1 << (bit % 8)
		overwrite(t, l, f.Path, content)
		if !noticed(t, l, f, rows) {
			silent++
		}
		var damage *DamageError
		if err := l.Check(f); !errors.As(err, &damage) {
			t.Fatalf("Check with bit %d flipped = %v, want a DamageError", bit, err)
		}
	}
	if silent > flips/20 {
		t.Errorf("%d of %d flipped bits gave other rows without an error, want few", silent, flips)
	}
}

// Whatever becomes of the Arrow schema that the file has for others, its rows are read.
// The library takes the memory that a number in it says.
func TestReadDamagedSchema(t *testing.T) {
	l := locked(t)
	rows := egvs(t, 1, 50)
	rows.Retain()
	defer rows.Release()
	f := write(t, l.Begin(Manifest{}), tableNamed(t, "egvs"), rows)
	sound, err := l.dir.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(sound, []byte("ARROW:schema")) + len("ARROW:schema")
	for ; at < len(sound)-100; at += 7 {
		content := slices.Clone(sound)
		if content[at] = '/'; sound[at] == '/' {
			content[at] = 'A'
		}
		if text := content[at-1 : at+2]; bytes.ContainsFunc(text, func(r rune) bool { return r < '+' || r > 'z' }) {
			continue // of the footer around it
		}
		overwrite(t, l, f.Path, content)
		if !noticed(t, l, f, rows) {
			t.Fatalf("byte %d of %d as %q: other rows", at, len(sound), content[at])
		}
	}
}

// noticed reports whether reading f gives an error, or else the rows written:
// not every bit of a file matters.
func noticed(t *testing.T, l *Lake, f File, want arrow.RecordBatch) bool {
	t.Helper()
	from := int64(0)
	for batch, err := range l.Read(t.Context(), f, ReadOptions{}) {
		if err != nil {
			return true
		}
		part := want.NewSlice(from, min(from+batch.NumRows(), want.NumRows()))
		same := array.RecordEqual(part, batch)
		from += batch.NumRows()
		part.Release()
		batch.Release()
		if !same {
			return false
		}
	}
	return from == want.NumRows()
}

func TestWriteRows(t *testing.T) {
	for _, table := range transform.Tables() {
		name := filepath.Join(t.TempDir(), "empty.parquet")
		out, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(WriteRows(out, table), out.Close()); err != nil {
			t.Fatalf("WriteRows(%s): %v", table.Name, err)
		}
		in, err := file.OpenParquetFile(name, false)
		if err != nil {
			t.Fatalf("empty file of %s: %v", table.Name, err)
		}
		defer in.Close()
		r, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatalf("empty file of %s: %v", table.Name, err)
		}
		schema, err := r.Schema()
		if err != nil || in.NumRows() != 0 {
			t.Fatalf("empty file of %s has %d rows, %v; want none", table.Name, in.NumRows(), err)
		}
		if err := sameColumns(schema, table.FileSchema()); err != nil {
			t.Errorf("empty file of %s: %v", table.Name, err)
		}
		for i, c := range table.Columns {
			if comment, _ := schema.Field(i).Metadata.GetValue("comment"); comment != c.Comment {
				t.Errorf("comment of %s.%s in the file = %q, want %q", table.Name, c.Name, comment, c.Comment)
			}
		}
	}
}

// A column that ends early, which the library takes for the end of the file,
// is not the end of the rows.
func TestReadCountsRows(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "vanish_pending")
	f := write(t, l.Begin(Manifest{}), table, some(table, 10, rand.New(rand.NewPCG(5, 5))))
	for _, missing := range []int64{0, 1} {
		in, err := l.open(f)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		var r fileReader
		if err := r.open(t.Context(), in, f, table, []int{0, 1, 2, 3}, ReadOptions{}); err != nil {
			t.Fatalf("open: %v", err)
		}
		defer r.records.Release()
		r.rows += missing
		batch, err := r.next(t.Context())
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		batch.Release()
		if _, err := r.next(t.Context()); (err == io.EOF) != (missing == 0) {
			t.Errorf("end of a file that lacks %d rows = %v", missing, err)
		}
	}
}

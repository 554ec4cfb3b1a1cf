package lake

import (
	"os"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// open opens a lake in a new folder. It does not wait for the disk.
func open(t testing.TB) *Lake {
	t.Helper()
	return reopen(t, t.TempDir())
}

func reopen(t testing.TB, root string) *Lake {
	t.Helper()
	l, err := Open(root)
	if err != nil {
		t.Fatalf("Open(%q): %v", root, err)
	}
	l.sync = func(*os.File) error { return nil }
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// locked opens a lake and takes its lock until the test ends.
func locked(t testing.TB) *Lake {
	t.Helper()
	l := open(t)
	lock(t, l)
	return l
}

func lock(t testing.TB, l *Lake) *Guard {
	t.Helper()
	g, err := l.Lock(t.Context(), 0, Holder{Command: t.Name()})
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	t.Cleanup(func() { g.Unlock() })
	return g
}

// partitionOf is the one that test rows lie in.
func partitionOf(table transform.Table) string {
	if table.Time == "" {
		return ""
	}
	return month(march)
}

// write writes rows to a file of c and releases them.
func write(t testing.TB, c *Commit, table transform.Table, rows ...arrow.RecordBatch) File {
	t.Helper()
	w, err := c.Create(table, partitionOf(table), "")
	if err != nil {
		t.Fatalf("Create(%s): %v", table.Name, err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatalf("Write %d rows of %s: %v", r.NumRows(), table.Name, err)
		}
		r.Release()
	}
	f, err := w.Close()
	if err != nil {
		t.Fatalf("Close file of %s: %v", table.Name, err)
	}
	return f
}

// readAll reads a file as one record batch, which the test releases at its end.
func readAll(t testing.TB, l *Lake, f File, o ReadOptions) arrow.RecordBatch {
	t.Helper()
	var batches []arrow.RecordBatch
	for b, err := range l.Read(t.Context(), f, o) {
		if err != nil {
			t.Fatalf("Read(%s): %v", f.Path, err)
		}
		batches = append(batches, b)
	}
	if len(batches) == 0 {
		t.Fatalf("Read(%s, %+v): no rows, the file has %d", f.Path, o, f.Rows)
	}
	table := array.NewTableFromRecords(batches[0].Schema(), batches)
	defer table.Release()
	all := array.NewTableReader(table, -1)
	defer all.Release()
	all.Next()
	for _, b := range batches {
		b.Release()
	}
	whole := all.RecordBatch()
	whole.Retain()
	t.Cleanup(whole.Release)
	return whole
}

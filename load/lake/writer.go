package lake

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// A Writer writes one data file, a row group at a time. It is used by one
// goroutine; several Writers of a Commit may be used at once.
type Writer struct {
	draft
	table   transform.Table
	parquet groupWriter
	ranges  ranges
	hash    rowsHash
	logical logicalHash // of a table of the study's state
	failed  error       // of Write
}

// Write appends the rows of r, whose columns must be those of the table. It keeps
// r until its row group is full. Rows come in the table's order; that is up to the
// caller. After an error the file cannot be finished.
func (w *Writer) Write(r arrow.RecordBatch) error {
	if err := w.write(r); err != nil {
		w.failed = fmt.Errorf("file of %s: %w", w.table.Name, err)
	}
	return w.failed
}

func (w *Writer) write(r arrow.RecordBatch) error {
	if err := fits(r, w.table); err != nil {
		return err
	}
	if w.table.Kind == transform.Study {
		sum, err := hashRows(r)
		if err != nil {
			return err
		}
		w.logical.add(sum)
	}
	w.hash.add(r)
	w.ranges.widen(r)
	w.file.Rows += r.NumRows()
	return w.parquet.write(r)
}

// Close finishes the file, reads its footer back, makes it durable and gives
// it its name. Nobody sees it before a manifest refers to it. Without a row
// there is no file: the File returned is zero.
func (w *Writer) Close() (File, error) { return w.end(w.publish) }

// Stage is Close for a file that becomes part of another one by Commit.Join. It stays
// among the staged ones.
func (w *Writer) Stage() (File, error) { return w.end(w.stage) }

func (w *Writer) end(finish func() (File, error)) (File, error) {
	if w.failed != nil {
		return File{}, errors.Join(w.failed, w.Abort())
	}
	if w.file.Rows == 0 {
		return File{}, w.Abort()
	}
	err := w.parquet.close()
	if err == nil {
		err = w.ranges.describe(&w.file)
	}
	var finished File
	if err == nil {
		w.file.RowsHash = w.hash.String()
		if w.table.Kind == transform.Study {
			w.file.LogicalHash = w.logical.String()
		}
		finished, err = finish()
	}
	if err != nil {
		return File{}, errors.Join(fmt.Errorf("file of %s: %w", w.table.Name, err), w.Abort())
	}
	return finished, nil
}

// Abort removes what has been written. After Close, Stage or Abort it does nothing.
func (w *Writer) Abort() error {
	if w.out == nil {
		return nil
	}
	w.parquet.abort()
	return w.abort()
}

// fits checks that r can be rows of t. The Parquet library would make a value
// of a null in a column that has none.
func fits(r arrow.RecordBatch, t transform.Table) error {
	if err := sameColumns(r.Schema(), t.Schema()); err != nil {
		return err
	}
	for i, c := range t.Columns {
		if n := r.Column(i).NullN(); n > 0 && !c.Nullable {
			return fmt.Errorf("%d nulls in column %s", n, c.Name)
		}
	}
	return nil
}

// sameColumns checks names and types; comments may differ.
func sameColumns(got, want *arrow.Schema) error {
	if got.NumFields() != want.NumFields() {
		return fmt.Errorf("%d columns, the table has %d", got.NumFields(), want.NumFields())
	}
	for i, c := range want.Fields() {
		f := got.Field(i)
		if f.Name != c.Name || !arrow.TypeEqual(f.Type, c.Type) {
			return fmt.Errorf("column %d is %s %s, the table has %s %s", i+1, f.Name, f.Type, c.Name, c.Type)
		}
	}
	return nil
}

// newWriter starts a file in staging.
func newWriter(c *Commit, t transform.Table, f File) (*Writer, error) {
	d, err := newDraft(c, f)
	if err != nil {
		return nil, err
	}
	w := &Writer{draft: d, table: t, ranges: rangesOf(t)}
	w.parquet, err = newGroupWriter(t, w.to, c.lake.GroupBytes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("file of %s: %w", t.Name, err), w.abort())
	}
	return w, nil
}

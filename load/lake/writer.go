package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/transform"
)

// A Writer writes one data file, a row group at a time. It is used by one
// goroutine; several Writers of a Commit may be used at once.
type Writer struct {
	commit *Commit
	table  transform.Table
	file   File

	staged  string
	out     *os.File
	sum     hash.Hash
	parquet groupWriter
	ranges  ranges
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
	w.ranges.widen(r)
	w.file.Rows += r.NumRows()
	return w.parquet.write(r)
}

// Close finishes the file, reads its footer back, makes it durable and gives
// it its name. Nobody sees it before a manifest refers to it. Without a row
// there is no file: the File returned is zero.
func (w *Writer) Close() (File, error) {
	if w.failed != nil {
		return File{}, errors.Join(w.failed, w.Abort())
	}
	if w.file.Rows == 0 {
		return File{}, w.Abort()
	}
	published, err := w.publish()
	if err != nil {
		return File{}, errors.Join(fmt.Errorf("file of %s: %w", w.table.Name, err), w.Abort())
	}
	return published, nil
}

// Abort removes what has been written. After Close or Abort it does nothing.
func (w *Writer) Abort() error {
	if w.out == nil {
		return nil
	}
	w.parquet.abort()
	err := errors.Join(w.out.Close(), w.commit.lake.dir.Remove(w.staged))
	w.out = nil
	return err
}

func (w *Writer) publish() (File, error) {
	l := w.commit.lake
	if err := w.parquet.close(); err != nil {
		return File{}, err
	}
	if err := w.finish(); err != nil {
		return File{}, err
	}
	if err := l.at("load.file_written"); err != nil {
		return File{}, err
	}
	if err := l.sync(w.out); err != nil {
		return File{}, err
	}
	if err := l.at("load.file_synced"); err != nil {
		return File{}, err
	}
	if err := l.dir.MkdirAll(path.Dir(w.file.Path), dirMode); err != nil {
		return File{}, err
	}
	if err := l.dir.Rename(w.staged, w.file.Path); err != nil {
		return File{}, err
	}
	err := w.out.Close()
	w.out = nil
	l.sound.Store(w.file.Path, true)
	w.commit.touch(w.file.Path)
	return w.file, err
}

// finish fills in what a File says and checks it against the file itself.
func (w *Writer) finish() error {
	size, err := w.out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	w.file.Bytes = size
	w.file.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	if w.table.Kind == transform.Study {
		w.file.LogicalHash = w.logical.String()
	}
	if err := w.ranges.describe(&w.file); err != nil {
		return err
	}
	w.file.Path = path.Join(folderOf(w.file.Table, w.file.Partition), w.file.SHA256[:16]+".parquet")
	footer, err := file.NewParquetReader(w.out)
	if err != nil {
		return fmt.Errorf("footer just written: %w", err)
	}
	if n := footer.NumRows(); n != w.file.Rows {
		return fmt.Errorf("footer just written counts %d rows of %d", n, w.file.Rows)
	}
	return nil
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
	l := c.lake
	staged := fmt.Sprintf("%s/%d.parquet", stagingDir, l.staged.Add(1))
	out, err := l.dir.OpenFile(staged, os.O_CREATE|os.O_EXCL|os.O_RDWR, publishedMode)
	if err != nil {
		return nil, fmt.Errorf("file of %s: %w", t.Name, err)
	}
	w := &Writer{commit: c, table: t, file: f, staged: staged, out: out, sum: sha256.New(), ranges: rangesOf(t)}
	w.parquet, err = newGroupWriter(t, io.MultiWriter(out, w.sum), l.GroupBytes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("file of %s: %w", t.Name, err), out.Close(), l.dir.Remove(staged))
	}
	return w, nil
}

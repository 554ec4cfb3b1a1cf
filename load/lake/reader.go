package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/dexetl/dexetl/transform"
)

// readRows is how many rows a batch read from a file has at most.
const readRows = 16_384

// ReadOptions narrow what Read reads. The zero value reads everything.
type ReadOptions struct {
	Columns []string // in the table's order, whatever the order here; nil: all

	// From and To are the first and the last participant of interest, both
	// inclusive; empty: no limit. Row groups without any of them are skipped,
	// but batches may still hold rows of others.
	From, To string

	Span Span // only these rows of the file, which may lie in several row groups; zero: all
}

// Read yields the rows of f in the file's order, under the table's schema. The
// caller releases every batch; their memory is Go's, for arrow-go's delta decoder
// (18.8.0) never releases its buffers. A file that is missing, or is not what was
// written, is a *DamageError.
func (l *Lake) Read(ctx context.Context, f File, o ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	t, ok := transform.TableNamed(f.Table)
	if !ok {
		return func(yield func(arrow.RecordBatch, error) bool) { yield(nil, fmt.Errorf("no table %q", f.Table)) }
	}
	return l.read(ctx, t, f, o, l.openWhole)
}

// ReadBeside is Read for a file of t beside the data files, which no manifest lists: of
// what it holds only its size and rows are known.
func (l *Lake) ReadBeside(ctx context.Context, t transform.Table, f File, o ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	return l.read(ctx, t, f, o, l.open)
}

// Beside is what can be known of a file of a table that no manifest lists, as ReadBeside
// wants it.
func (l *Lake) Beside(table, at string) (f File, err error) {
	f = File{Table: table, Path: at}
	in, err := l.dir.Open(at)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return f, err
	}
	err = guard(func() error {
		p, err := file.NewParquetReader(in)
		if err == nil {
			f.Bytes, f.Rows = info.Size(), p.NumRows()
		}
		return err
	})
	if err != nil {
		return f, fmt.Errorf("%s: %w", at, err)
	}
	return f, nil
}

// DataFiles lists the data files that a table without months has in the lake, whether or
// not a manifest names them.
func (l *Lake) DataFiles(table string) (paths []string, err error) {
	names, err := l.readDir(folderOf(table, ""))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range names {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".parquet") {
			paths = append(paths, path.Join(folderOf(table, ""), e.Name()))
		}
	}
	return paths, err
}

func (l *Lake) read(ctx context.Context, t transform.Table, f File, o ReadOptions, open func(File) (*os.File, error)) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		wanted, err := columnsOf(t, o.Columns)
		if err != nil {
			yield(nil, err)
			return
		}
		in, err := open(f)
		if err != nil {
			yield(nil, err)
			return
		}
		defer in.Close()
		var r fileReader
		err = guard(func() error { return r.open(ctx, in, f, t, wanted, o) })
		if err != nil {
			yield(nil, &DamageError{f.Path, err})
			return
		}
		defer r.records.Release()
		for {
			batch, err := r.next(ctx)
			if err == io.EOF {
				return
			}
			if err != nil && ctx.Err() == nil {
				err = &DamageError{f.Path, err}
			}
			if !yield(batch, err) || err != nil {
				return
			}
		}
	}
}

// A fileReader reads the row groups of interest of one file.
type fileReader struct {
	records pqarrow.RecordReader
	columns columns
	rows    int64 // still to come
	limited bool  // the row groups may have more,
	skip    int64 // and so many before them
}

// next returns the next batch, which the caller releases, or io.EOF. The
// library takes the end of any column for the end of the rows; so they are
// counted.
func (r *fileReader) next(ctx context.Context) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.limited && r.rows == 0 {
		return nil, io.EOF
	}
	err := guard(func() error {
		if r.records.Next() {
			return nil
		}
		return cmp.Or(r.records.Err(), io.EOF)
	})
	if err == io.EOF && r.rows != 0 {
		return nil, fmt.Errorf("ends %d rows early", r.rows)
	}
	if err != nil {
		return nil, err
	}
	read := r.records.RecordBatch()
	if r.limited {
		read = r.within(read)
		defer read.Release()
	}
	r.rows -= read.NumRows()
	return r.columns.batch(read), nil
}

// guard turns a panic of the Parquet library into an error: some kinds of
// damage to page headers make it follow pointers that are not there.
func guard(read func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unreadable: %v", r)
		}
	}()
	return read()
}

// openWhole is open for a file whose content is right too: the footer of a
// Parquet file has no checksum, and one that is wrong can hide rows. The content
// is looked at once, and not at all of files that this Lake wrote.
func (l *Lake) openWhole(f File) (*os.File, error) {
	if _, sound := l.sound.Load(f.Path); !sound {
		if err := l.Check(f); err != nil {
			return nil, err
		}
	}
	return l.open(f)
}

// open opens a data file whose size is right, unless the manifest says that it
// is damaged.
func (l *Lake) open(f File) (*os.File, error) {
	if f.Damaged != "" {
		return nil, &DamageError{f.Path, errors.New(f.Damaged)}
	}
	in, err := l.dir.Open(f.Path)
	if err != nil {
		return nil, unopened(f, err)
	}
	info, err := in.Stat()
	if err == nil {
		err = sized(f, info)
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// open finds the rows of interest.
func (r *fileReader) open(ctx context.Context, in *os.File, f File, t transform.Table, wanted []int, o ReadOptions) error {
	p, err := openParquet(in, f, t, o.Span)
	if err != nil {
		return err
	}
	schema, err := p.Schema()
	if err != nil {
		return err
	}
	if r.columns, err = findColumns(schema, t, wanted); err != nil {
		return err
	}
	if o.Span.Rows > 0 {
		return r.openSpan(ctx, p, t, o.Span)
	}
	groups, rows, err := groupsOf(p.ParquetReader(), schema, o)
	if err != nil {
		return err
	}
	r.rows = rows
	r.records, err = p.GetRecordReader(ctx, r.columns.read, groups)
	return err
}

// openParquet reads the footer and checks that the file has the rows that the
// manifest says. Text whose values repeat is read as it lies in the file, as a
// dictionary.
func openParquet(in *os.File, f File, t transform.Table, s Span) (*pqarrow.FileReader, error) {
	p, err := file.NewParquetReader(in)
	if err != nil {
		return nil, err
	}
	if n := p.NumRows(); n != f.Rows {
		return nil, fmt.Errorf("%d rows, the manifest says %d", n, f.Rows)
	}
	// The Arrow schema in the file is for others: the table has its own. The library
	// takes as much memory as a damaged one says.
	p.MetaData().FileMetaData.KeyValueMetadata = nil
	properties := pqarrow.ArrowReadProperties{BatchSize: readRows}
	if s.Rows > 0 && !hasLists(t) {
		properties.BatchSize = min(readRows, s.Rows)
	}
	for _, c := range t.Columns {
		if place := p.MetaData().Schema.ColumnIndexByName(c.Name); place >= 0 {
			properties.SetReadDict(place, t.Repeats(c))
		}
	}
	return pqarrow.NewFileReader(p, properties, memory.DefaultAllocator)
}

// groupsOf returns the row groups that may hold a participant of interest, by
// their statistics, and how many rows they have. A group without statistics may.
func groupsOf(p *file.Reader, schema *arrow.Schema, o ReadOptions) (groups []int, rows int64, err error) {
	column := placeOf(schema, "participant_id")
	groups = []int{} // nil would mean all of them
	for i := range p.NumRowGroups() {
		var first, last string
		if column >= 0 {
			if first, last, err = bounds(p, i, column); err != nil {
				return nil, 0, err
			}
		}
		if (o.From == "" || last == "" || last >= o.From) && (o.To == "" || first <= o.To) {
			groups = append(groups, i)
			rows += p.MetaData().RowGroup(i).NumRows()
		}
	}
	return groups, rows, nil
}

// bounds returns the smallest and largest value of a text column in a row
// group, empty if the file does not say.
func bounds(p *file.Reader, group, column int) (first, last string, err error) {
	chunk, err := p.MetaData().RowGroup(group).ColumnChunk(column)
	if err != nil {
		return "", "", err
	}
	statistics, err := chunk.Statistics()
	if err != nil || statistics == nil {
		return "", "", err
	}
	text, ok := statistics.(*metadata.ByteArrayStatistics)
	if !ok || !text.HasMinMax() {
		return "", "", nil
	}
	return string(text.Min()), string(text.Max()), nil
}

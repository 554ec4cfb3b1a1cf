package lake

import (
	"cmp"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/dexetl/dexetl/transform"
)

const (
	defaultGroupBytes = 64 << 20 // lets a row group of ordinary readings (20 MB) be full
	sliceRows         = 4096     // how often a group's bytes are looked at
	dictionaryBytes   = 1 << 20  // of texts; where there are more, they hardly repeat
)

// A groupWriter writes rows as Parquet. It keeps the rows of a row group until it is
// full and then writes them column by column, so that one column at a time is
// encoded, and text whose values repeat is never looked up row by row.
type groupWriter struct {
	parquet *pqarrow.FileWriter
	schema  *arrow.Schema
	rows    []arrow.RecordBatch // of the open row group
	n       int64               // how many these are
	bytes   int64               // that they take, about
	most    int64               // that a row group has
	budget  int64
}

func newGroupWriter(t transform.Table, to io.Writer, budget int64) (groupWriter, error) {
	mem := memory.DefaultAllocator
	// Only a Writer: the library would close it.
	p, err := pqarrow.NewFileWriter(t.FileSchema(), struct{ io.Writer }{to}, writerProperties(t, mem), arrowProperties(mem))
	return groupWriter{parquet: p, schema: t.Schema(), most: groupRows(t), budget: cmp.Or(budget, defaultGroupBytes)}, err
}

// write adds rows, whose columns fit.
func (g *groupWriter) write(r arrow.RecordBatch) error {
	each := rowBytes(r) / max(1, r.NumRows())
	for from := int64(0); from < r.NumRows(); {
		if g.n == g.most || g.bytes >= g.budget {
			if err := g.flush(); err != nil {
				return err
			}
		}
		to := min(from+sliceRows, r.NumRows(), from+g.most-g.n)
		part := r.NewSlice(from, to)
		g.rows, g.n, g.bytes = append(g.rows, part), g.n+part.NumRows(), g.bytes+each*part.NumRows()
		from = to
	}
	return nil
}

// flush writes the open row group.
func (g *groupWriter) flush() error {
	if g.n == 0 {
		return nil
	}
	if err := g.parquet.NewRowGroupChecked(); err != nil {
		return err
	}
	for i := range g.schema.NumFields() {
		column := g.column(i)
		err := g.parquet.WriteColumnChunked(column, 0, g.n)
		column.Release()
		if err != nil {
			return err
		}
	}
	g.drop()
	return nil
}

func (g *groupWriter) drop() {
	for _, r := range g.rows {
		r.Release()
	}
	g.rows, g.n, g.bytes = g.rows[:0], 0, 0
}

// column is a column of the open row group. The caller releases it.
func (g *groupWriter) column(i int) *arrow.Chunked {
	chunks := make([]arrow.Array, len(g.rows))
	for n, r := range g.rows {
		chunks[n] = r.Column(i)
	}
	t := g.schema.Field(i).Type
	if t.ID() != arrow.DICTIONARY {
		return arrow.NewChunked(t, chunks)
	}
	b := transform.NewTextBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Resize(int(g.n))
	for _, c := range chunks {
		add := b.From(c)
		for row := range c.Len() {
			add(row)
		}
	}
	one := b.NewArray()
	defer func() { one.Release() }()
	if len(one.(*array.Dictionary).Dictionary().(*array.String).ValueBytes()) > dictionaryBytes {
		each := textOf(one)
		one.Release()
		one = each
	}
	return arrow.NewChunked(one.DataType(), []arrow.Array{one})
}

// textOf returns the text of every row of a column by itself. The library then
// gives the dictionary up where that is worth it.
func textOf(column arrow.Array) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	texts := transform.TextOf(column)
	for row := range texts.Len() {
		if texts.IsNull(row) {
			b.AppendNull()
		} else {
			b.Append(texts.Value(row))
		}
	}
	return b.NewArray()
}

// close writes what is left, and the footer.
func (g *groupWriter) close() error { return errors.Join(g.flush(), g.parquet.Close()) }

// abort releases what is held; what the library writes then is of no use.
func (g *groupWriter) abort() {
	g.drop()
	g.parquet.Close()
}

// rowBytes estimates what the rows of r hold in memory.
func rowBytes(r arrow.RecordBatch) int64 {
	var n int64
	for _, column := range r.Columns() {
		switch v := column.(type) {
		case *array.String:
			n += int64(len(v.ValueBytes())) + 4*r.NumRows()
		case *array.Dictionary:
			n += repeatedBytes(v) + 4*r.NumRows()
		case *array.List:
			n += 2*transform.SmallsLen(v) + 4*r.NumRows()
		default:
			n += 8 * r.NumRows()
		}
	}
	return n
}

// repeatedBytes estimates what the texts of a column take. A few rows of a batch come
// with the texts of all of it.
func repeatedBytes(column *array.Dictionary) int64 {
	texts := column.Dictionary().(*array.String)
	return int64(len(texts.ValueBytes()) * min(column.Len(), texts.Len()) / max(1, texts.Len()))
}

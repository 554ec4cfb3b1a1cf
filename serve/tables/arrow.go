package tables

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/transform"
)

// arrowRows are a stream of Arrow, with the types of the files: text is text, for not every
// reader takes a dictionary that changes on the way.
type arrowRows struct {
	schema *arrow.Schema
	out    *ipc.Writer
}

func newArrow(t transform.Table, to io.Writer) (encoder, error) {
	schema := t.FileSchema()
	return &arrowRows{schema, ipc.NewWriter(to, ipc.WithSchema(schema))}, nil
}

func (a *arrowRows) Write(rows arrow.RecordBatch) error {
	columns := make([]arrow.Array, rows.NumCols())
	for i, c := range rows.Columns() {
		columns[i] = plain(c)
		defer columns[i].Release()
	}
	batch := array.NewRecordBatch(a.schema, columns, rows.NumRows())
	defer batch.Release()
	return a.out.Write(batch)
}

func (a *arrowRows) Close() error { return a.out.Close() }

func (a *arrowRows) Abort() {}

// plain is a column whose texts each stand by themselves. The caller releases it.
func plain(column arrow.Array) arrow.Array {
	if column.DataType().ID() != arrow.DICTIONARY {
		column.Retain()
		return column
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	texts := transform.TextOf(column)
	b.Reserve(texts.Len())
	for row := range texts.Len() {
		if texts.IsNull(row) {
			b.AppendNull()
		} else {
			b.Append(texts.Value(row))
		}
	}
	return b.NewArray()
}

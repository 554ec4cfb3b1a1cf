package lake

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/dexetl/dexetl/transform"
)

// A Span is rows of a file that follow each other: those of one participant, if it
// comes from Spans.
type Span struct {
	Participant string
	First, Rows int64 // the first one, from 0, and how many
}

// Spans says which rows of f are whose, in the order of the file. The file is read as
// by Read, but for its other columns. Tables whose rows are not sorted by participant
// have several spans of each.
func (l *Lake) Spans(ctx context.Context, f File) (spans []Span, err error) {
	row := int64(0)
	for batch, err := range l.Read(ctx, f, ReadOptions{Columns: []string{"participant_id"}}) {
		if err != nil {
			return nil, err
		}
		ids := transform.TextOf(batch.Column(0))
		for i := range ids.Len() {
			id := ids.Value(i)
			if n := len(spans); n > 0 && spans[n-1].Participant == id {
				spans[n-1].Rows++
			} else {
				spans = append(spans, Span{strings.Clone(id), row, 1})
			}
			row++
		}
		batch.Release()
	}
	return spans, nil
}

// openSpan goes to the rows of s.
func (r *fileReader) openSpan(ctx context.Context, p *pqarrow.FileReader, t transform.Table, s Span) (err error) {
	if s.First < 0 || s.First+s.Rows > p.ParquetReader().NumRows() {
		return fmt.Errorf("rows %d to %d of %d", s.First, s.First+s.Rows, p.ParquetReader().NumRows())
	}
	groups, before, at := []int{}, int64(0), int64(0)
	for i := range p.ParquetReader().NumRowGroups() {
		rows := p.ParquetReader().MetaData().RowGroup(i).NumRows()
		if at+rows <= s.First {
			before += rows
		} else if at < s.First+s.Rows {
			groups = append(groups, i)
		}
		at += rows
	}
	r.rows, r.limited = s.Rows, true
	if r.records, err = p.GetRecordReader(ctx, r.columns.read, groups); err != nil || s.First == before {
		return err
	}
	if hasLists(t) {
		r.skip = s.First - before
		return nil
	}
	return r.records.SeekToRow(s.First - before)
}

// hasLists reports whether t has a column of lists, in which the library (18.8.0) seeks
// to the wrong place.
func hasLists(t transform.Table) bool {
	return slices.ContainsFunc(t.Columns, func(c transform.Column) bool { return c.Type.ID() == arrow.LIST })
}

// within is the part of a batch, behind those read so far, that lies in the span.
func (r *fileReader) within(batch arrow.RecordBatch) arrow.RecordBatch {
	skipped := min(r.skip, batch.NumRows())
	r.skip -= skipped
	return batch.NewSlice(skipped, skipped+min(r.rows, batch.NumRows()-skipped))
}

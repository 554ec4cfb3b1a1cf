package frozen

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// Rows chooses rows of a table.
type Rows struct {
	Table        transform.Table
	Columns      []string  // nil: all; in the table's order, whatever the order here
	Participants []string  // nil: everybody's, and nobody's
	Without      []string  // where Participants is nil: not the rows of these
	Resources    []string  // nil: of all; else the table has a column resource
	From, To     time.Time // of the table's time, From inclusive, To exclusive; zero: no limit
	After        Place     // only rows from there on
}

// A Place is one of the rows of a table in a snapshot: the row of a file.
type Place struct {
	File int
	Row  int64
}

// A Piece is rows that follow each other in a file. Whoever gets it releases it.
type Piece struct {
	arrow.RecordBatch
	End Place // behind its last row
}

// Head is the first rows of p, which is released.
func (p Piece) Head(rows int64) Piece {
	defer p.Release()
	return Piece{p.NewSlice(0, rows), Place{p.End.File, p.End.Row - (p.NumRows() - rows)}}
}

// fewPeople is up to how many participants the rows of each are gone to, instead of
// reading past those of others.
const fewPeople = 16

// Rows yields the rows chosen, by month. Rows of a month are in the order of the table, or
// come file by file where it has several. Memory is that of some thousand rows.
func (f *Snapshot) Rows(ctx context.Context, r Rows) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		files := f.filesOf(r.Table)
		for i := r.After.File; i < len(files); i++ {
			first := int64(0)
			if i == r.After.File {
				first = r.After.Row
			}
			if !r.mayHave(files[i]) {
				continue
			}
			if !f.rowsOf(ctx, r, i, first, yield) {
				return
			}
		}
	}
}

// mayHave reports whether a file may have rows that are chosen.
func (r Rows) mayHave(f lake.File) bool {
	if !f.FirstTime.IsZero() && (!r.From.IsZero() && f.LastTime.Before(r.From) || !r.To.IsZero() && !f.FirstTime.Before(r.To)) {
		return false
	}
	return r.Participants == nil || f.LastParticipant == "" ||
		slices.ContainsFunc(r.Participants, func(id string) bool { return f.FirstParticipant <= id && id <= f.LastParticipant })
}

// rowsOf yields the rows of one file from first on. It reports whether to go on.
func (f *Snapshot) rowsOf(ctx context.Context, r Rows, file int, first int64, yield func(Piece, error) bool) bool {
	of := f.filesOf(r.Table)[file]
	spans, err := f.spansFor(ctx, &r, of)
	if err != nil {
		yield(Piece{}, err)
		return false
	}
	columns := r.read(of)
	for _, s := range spans {
		if skipped := max(0, first-s.First); skipped > 0 {
			s.First, s.Rows = s.First+skipped, s.Rows-skipped
		}
		if s.Rows <= 0 {
			continue
		}
		at := s.First
		for batch, err := range f.read(ctx, r.Table, of, lake.ReadOptions{Columns: columns, Span: s}) {
			if err != nil {
				yield(Piece{}, err)
				return false
			}
			goesOn := r.pieces(batch, of, Place{file, at}, yield)
			at += batch.NumRows()
			batch.Release()
			if !goesOn {
				return false
			}
		}
	}
	return true
}

// spansFor are the rows of a file that are to be read: those of the few who are asked
// for, whom r then need not choose any more; or all.
func (f *Snapshot) spansFor(ctx context.Context, r *Rows, of lake.File) ([]lake.Span, error) {
	if r.Participants == nil || len(r.Participants) > fewPeople || !r.byPeople() {
		return []lake.Span{{Rows: of.Rows}}, nil
	}
	all, err := f.from.spans(ctx, of)
	if err != nil {
		return nil, err
	}
	var chosen []lake.Span
	for _, s := range all {
		if slices.Contains(r.Participants, s.Participant) {
			chosen = append(chosen, s)
		}
	}
	r.Participants, r.Without = nil, nil
	return chosen, nil
}

// byPeople reports whether the rows of a file stand by participant.
func (r Rows) byPeople() bool { return len(r.Table.Order) > 0 && r.Table.Order[0] == participantColumn }

const participantColumn, resourceColumn = "participant_id", "resource"

// read are the columns that have to be read of a file: also those by which rows are
// chosen.
func (r Rows) read(of lake.File) []string {
	if r.Columns == nil {
		return nil
	}
	columns := slices.Clone(r.Columns)
	for _, c := range []struct {
		name   string
		needed bool
	}{{participantColumn, !r.everybody()}, {resourceColumn, r.Resources != nil}, {r.Table.Time, !r.wholeTime(of)}} {
		if c.needed && !slices.Contains(columns, c.name) {
			columns = append(columns, c.name)
		}
	}
	return columns
}

// wholeTime reports whether all rows of a file lie in the time asked for.
func (r Rows) wholeTime(f lake.File) bool {
	return r.Table.Time == "" || (r.From.IsZero() || !f.FirstTime.Before(r.From)) && (r.To.IsZero() || f.LastTime.Before(r.To))
}

// pieces yields the rows of a batch that are chosen, which begins at some place.
func (r Rows) pieces(batch arrow.RecordBatch, of lake.File, at Place, yield func(Piece, error) bool) bool {
	chosen := r.chooser(batch, of)
	n := int(batch.NumRows())
	for from := 0; from < n; {
		for from < n && !chosen(from) {
			from++
		}
		to := from
		for to < n && chosen(to) {
			to++
		}
		if to > from && !yield(Piece{r.only(batch, int64(from), int64(to)), Place{at.File, at.Row + int64(to)}}, nil) {
			return false
		}
		from = to
	}
	return true
}

// chooser tells which rows of a batch are chosen.
func (r Rows) chooser(batch arrow.RecordBatch, of lake.File) func(row int) bool {
	timely := func(int) bool { return true }
	if !r.wholeTime(of) {
		times := columnNamed(batch, r.Table.Time).(*array.Timestamp)
		from, to := int64(math.MinInt64), int64(math.MaxInt64)
		if !r.From.IsZero() {
			from = microsUp(r.From)
		}
		if !r.To.IsZero() {
			to = microsUp(r.To)
		}
		timely = func(row int) bool { at := int64(times.Value(row)); return from <= at && at < to }
	}
	if r.Resources != nil {
		resources, intime := transform.TextOf(columnNamed(batch, resourceColumn)), timely
		timely = func(row int) bool { return intime(row) && slices.Contains(r.Resources, resources.Value(row)) }
	}
	if r.everybody() {
		return timely
	}
	ids, last, was := transform.TextOf(columnNamed(batch, participantColumn)), "", false
	wanted := r.wanted()
	return func(row int) bool {
		if !ids.IsValid(row) {
			return r.Participants == nil && timely(row)
		}
		if id := ids.Value(row); id != last || row == 0 {
			last, was = id, wanted(id)
		}
		return was && timely(row)
	}
}

// everybody reports whether no row is left out because of whose it is.
func (r Rows) everybody() bool { return r.Participants == nil && len(r.Without) == 0 }

// wanted tells whose rows are chosen.
func (r Rows) wanted() func(id string) bool {
	list, only := r.Without, r.Participants != nil
	if only {
		list = r.Participants
	}
	named := make(map[string]bool, len(list))
	for _, id := range list {
		named[id] = true
	}
	return func(id string) bool { return named[id] == only }
}

// microsUp is the first microsecond that is not before t.
func microsUp(t time.Time) int64 { return t.Add(time.Microsecond - 1).UnixMicro() }

// only is rows of a batch with the columns that were asked for.
func (r Rows) only(batch arrow.RecordBatch, from, to int64) arrow.RecordBatch {
	rows := batch.NewSlice(from, to)
	if r.Columns == nil || len(r.Columns) == int(batch.NumCols()) {
		return rows
	}
	defer rows.Release()
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range rows.Schema().Fields() {
		if slices.Contains(r.Columns, f.Name) {
			fields, columns = append(fields, f), append(columns, rows.Column(i))
		}
	}
	metadata := rows.Schema().Metadata()
	return array.NewRecordBatch(arrow.NewSchema(fields, &metadata), columns, rows.NumRows())
}

func columnNamed(batch arrow.RecordBatch, name string) arrow.Array {
	return batch.Column(batch.Schema().FieldIndices(name)[0])
}

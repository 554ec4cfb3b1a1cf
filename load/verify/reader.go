package verify

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A reader goes through one file of a merge and checks the order and the bounds of rows.
type reader struct {
	merge *merge
	file  lake.File
	at    string // participant of the next row; where rows do not lie by them, the file's first
	was   string // of the row before
	done  bool
	wrong string // the first rule that was broken; "": none

	pull func() (arrow.RecordBatch, error, bool)
	stop func()

	batch    arrow.RecordBatch // nil: none is open
	row      int
	last     arrow.RecordBatch // the last row of the batch before
	columns  columns
	from, to int64 // times met, in µs
	first    string
	rows     int64
}

// columns are places in a batch; -1: the table has none.
type columns struct {
	participant, time, vanished int
	order, key                  []int
}

func newReader(ctx context.Context, l *lake.Lake, m *merge, f lake.File) *reader {
	r := &reader{merge: m, file: f, at: f.FirstParticipant}
	names := columnsOf(m.table)
	place := func(name string) int { return slices.Index(names, name) }
	r.columns = columns{participant: place("participant_id"), time: place(m.table.Time), vanished: place("vanished_at")}
	for _, name := range m.table.Order {
		r.columns.order = append(r.columns.order, place(name))
	}
	for _, name := range m.table.Key {
		if name != "participant_id" || m.fileByFile() {
			r.columns.key = append(r.columns.key, place(name))
		}
	}
	r.pull, r.stop = iter.Pull2(l.Read(ctx, f, lake.ReadOptions{Columns: names}))
	return r
}

// columnsOf are those that sort and identify the rows of a table, in its order.
func columnsOf(t transform.Table) (names []string) {
	for _, c := range t.Columns {
		if slices.Contains(t.Order, c.Name) || slices.Contains(t.Key, c.Name) || c.Name == t.Time || c.Name == "participant_id" || c.Name == "vanished_at" {
			names = append(names, c.Name)
		}
	}
	return names
}

// take reads the rows of a participant, which is not after r.at, or where rows do not lie
// by participants all of them.
func (r *reader) take(participant string) error {
	for !r.done && (r.at == participant || r.merge.fileByFile()) {
		if r.batch == nil {
			if err := r.advance(); err != nil || r.done {
				return err
			}
			if r.at != participant && !r.merge.fileByFile() {
				return nil
			}
		}
		r.group()
	}
	return nil
}

// advance opens the next batch.
func (r *reader) advance() error {
	batch, err, ok := r.pull()
	if err != nil {
		return err
	}
	if !ok {
		r.end()
		return nil
	}
	if batch.NumRows() == 0 {
		batch.Release()
		return r.advance()
	}
	r.batch, r.row = batch, 0
	r.checkBatch()
	if r.label(); r.rows == 0 {
		r.first = strings.Clone(r.at)
	}
	return nil
}

// label says whose the next row is.
func (r *reader) label() {
	if r.columns.participant >= 0 && !r.merge.fileByFile() {
		r.at = transform.TextAt(r.batch.Column(r.columns.participant), r.row)
		return
	}
	r.at = r.file.FirstParticipant
}

// group takes the rows of r.at that the batch has.
func (r *reader) group() {
	end := int(r.batch.NumRows())
	if r.columns.participant >= 0 && !r.merge.fileByFile() {
		ids := transform.TextOf(r.batch.Column(r.columns.participant))
		end = r.row + 1
		for end < ids.Len() && ids.Value(end) == r.at {
			end++
		}
	}
	if r.merge.hashed {
		r.hash(r.row, end)
	}
	r.was, r.row = strings.Clone(r.at), end
	if end == int(r.batch.NumRows()) {
		r.keepLast()
		return
	}
	r.label()
}

// keepLast keeps the last row of the batch, for the first one of the next.
func (r *reader) keepLast() {
	n := r.batch.NumRows()
	r.rows += n
	if r.last != nil {
		r.last.Release()
	}
	r.last = r.batch.NewSlice(n-1, n)
	r.batch.Release()
	r.batch, r.at = nil, r.was
}

// hash adds the keys of present rows.
func (r *reader) hash(from, to int) {
	var h maphash.Hash
	h.SetSeed(r.merge.seed)
	write := make([]func(int), len(r.columns.key))
	for i, place := range r.columns.key {
		write[i] = writer(&h, r.batch.Column(place))
	}
	var vanished arrow.Array
	if r.columns.vanished >= 0 {
		vanished = r.batch.Column(r.columns.vanished)
	}
	for row := from; row < to; row++ {
		if vanished != nil && vanished.IsValid(row) {
			continue
		}
		h.Reset()
		for _, w := range write {
			w(row)
		}
		r.merge.keys = append(r.merge.keys, key{h.Sum64(), r})
	}
}

// checkBatch checks that rows rise, and notes their times.
func (r *reader) checkBatch() {
	if r.last != nil {
		r.rises(compareAcross(r.last, r.batch, r.columns.order), 0)
	}
	order := make([]func(int) int, len(r.columns.order))
	for i, place := range r.columns.order {
		order[i] = neighbours(r.batch.Column(place))
	}
	for row := 1; row < int(r.batch.NumRows()) && r.wrong == ""; row++ {
		c := 0
		for _, compare := range order {
			if c = compare(row); c != 0 {
				break
			}
		}
		r.rises(c, row)
	}
	if r.columns.time < 0 {
		return
	}
	times := r.batch.Column(r.columns.time).(*array.Timestamp).Values()
	if r.rows == 0 {
		r.from, r.to = int64(times[0]), int64(times[0])
	}
	for _, at := range times {
		r.from, r.to = min(r.from, int64(at)), max(r.to, int64(at))
	}
}

// rises notes a row that is not after the one before it: c compares that with it.
func (r *reader) rises(c, row int) {
	switch {
	case r.wrong != "" || c < 0:
	case c > 0:
		r.wrong = fmt.Sprintf("row %d is not in order", r.rows+int64(row)+1)
	case !r.merge.hashed && r.merge.table.Key != nil:
		r.wrong = fmt.Sprintf("row %d has the key of the one before it", r.rows+int64(row)+1)
	}
}

// end holds what was read against the manifest.
func (r *reader) end() {
	r.done = true
	if r.wrong == "" && (r.first != r.file.FirstParticipant || r.was != r.file.LastParticipant) && !r.merge.fileByFile() {
		r.wrong = fmt.Sprintf("its participants are %s to %s, the manifest says %s to %s", r.first, r.was, r.file.FirstParticipant, r.file.LastParticipant)
	}
	if r.wrong != "" || r.columns.time < 0 {
		return
	}
	from, to := time.UnixMicro(r.from).UTC(), time.UnixMicro(r.to).UTC()
	if r.rows > 0 && (!from.Equal(r.file.FirstTime) || !to.Equal(r.file.LastTime)) {
		r.wrong = fmt.Sprintf("its times are %s to %s, the manifest says %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339),
			r.file.FirstTime.Format(time.RFC3339), r.file.LastTime.Format(time.RFC3339))
	}
}

func (r *reader) close() {
	r.stop()
	for _, b := range []arrow.RecordBatch{r.batch, r.last} {
		if b != nil {
			b.Release()
		}
	}
	r.batch, r.last = nil, nil
}

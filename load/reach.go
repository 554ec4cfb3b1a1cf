package load

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
	"github.com/dexetl/dexetl/transform"
)

// A reach says which of a participant's rows answers are held against. Of a table
// that keeps recent rows by day it is only known from some instant on that they
// matter. Of earlier ones, which are many, it is looked whether they have an id that
// came.
type reach struct {
	all   bool             // an id is looked up everywhere
	near  map[monthNo]bool // else in these months
	begin arrow.Timestamp  // files with later rows are in hand, others are far; 0: none is

	far   []piece         // rows that are not in hand: farColumns
	rest  []piece         // far rows that are in hand after all
	added arrow.Timestamp // of the first row that was added
	lacks bool            // a row was taken out, if only for another one
}

// farColumns are those by which far rows may matter.
var farColumns = [...]string{"participant_id", "record_id", "transmitter_id", "transmitter_ticks"}

// reach returns that of a participant's answers.
func (k *keyed) reach(answers []*answer) reach {
	r := reach{all: k.allMonths, near: make(map[monthNo]bool), added: math.MaxInt64}
	first := arrow.Timestamp(math.MaxInt64)
	for _, a := range answers {
		batch := a.batch.Tables[k.Name]
		addMonths(r.near, a, batch, k.shape)
		if a.hasWindow() {
			first = min(first, instant(a.WindowStart))
		}
		if batch != nil {
			first = min(first, slices.Min(k.times(batch, "system_time").Values()))
		}
	}
	if k.HotDays && first != math.MaxInt64 {
		r.begin = arrow.Timestamp(reading.BeginSince(int64(first)))
		m := monthOf(r.begin)
		r.near[m-1], r.near[m] = true, true // the readings of a month hang on the one before
	}
	return r
}

// holds reports whether the rows of a file are in hand.
func (r *reach) holds(f lake.File) bool {
	return r.all || r.isNear(f) && instant(f.LastTime) >= r.begin
}

func (r *reach) isNear(f lake.File) bool {
	m, err := parseMonth(f.Partition)
	return err == nil && r.near[m]
}

func (r *reach) release() {
	releasePieces(r.far)
	releasePieces(r.rest)
}

// farRows are the rows of a table that are not in hand.
type farRows struct{ look, rest *sweep }

func (s *step) farRows(k *keyed, participants []string) *farRows {
	if !k.HotDays || len(participants) == 0 {
		return nil
	}
	f := &farRows{s.heldRows(k.Name, farColumns[:]...), s.heldRows(k.Name)}
	f.look.options.To = participants[len(participants)-1]
	f.rest.options.To = f.look.options.To
	return f
}

func (f *farRows) close() {
	if f != nil {
		f.look.close()
		f.rest.close()
	}
}

// join looks at a participant's far rows, and takes them in hand if one of them has
// an id that came.
func (f *farRows) join(ctx context.Context, r *records, answers []*answer) (err error) {
	if f == nil {
		return nil
	}
	far := func(f lake.File) bool { return r.isNear(f) && !r.holds(f) }
	if r.far, err = f.look.take(ctx, r.participant, far); err != nil || !r.came(answers) {
		return err
	}
	if r.rest, err = f.rest.take(ctx, r.participant, far); err != nil {
		return err
	}
	r.hold(r.rest)
	r.begin = 0
	return nil
}

// came reports whether a far row has an id that came.
func (r *records) came(answers []*answer) bool {
	if len(r.far) == 0 {
		return false
	}
	come := make(map[string]bool)
	for _, a := range answers {
		if batch := a.batch.Tables[r.Name]; batch != nil {
			for ids, row := r.text(batch, "record_id"), 0; row < ids.Len(); row++ {
				come[ids.Value(row)] = true
			}
		}
	}
	for _, p := range r.far {
		ids := columnOf(p.rows, "record_id").(*array.String)
		for row := range ids.Len() {
			if come[ids.Value(row)] {
				return true
			}
		}
	}
	return false
}

// lastMonth is that of the last row in hand, of which there is one.
func (r *records) lastMonth() monthNo { return slices.Max(slices.Collect(maps.Keys(r.months))) }

// A moment is one of a transmitter's clock.
type moment struct {
	transmitter string
	ticks       int64
}

// moments yields those of rows, by their places; rows without one have none.
func moments(b arrow.RecordBatch, yield func(row int, m moment)) {
	transmitters, ticks := transform.TextOf(columnOf(b, "transmitter_id")), columnOf(b, "transmitter_ticks").(*array.Int64)
	for row := range ticks.Len() {
		if transmitters.IsValid(row) && ticks.IsValid(row) && ticks.Value(row) > 0 {
			yield(row, moment{transmitters.Value(row), ticks.Value(row)})
		}
	}
}

// apart reports whether no row before an instant has the moment of a later one.
func (r *records) apart(at arrow.Timestamp) bool {
	later, apart := make(map[moment]bool), true
	each := func(late bool, do func(moment)) {
		for _, batch := range r.sources {
			times := r.times(batch, "system_time")
			moments(batch, func(row int, m moment) {
				if times.Value(row) >= at == late {
					do(m)
				}
			})
		}
	}
	each(true, func(m moment) { later[m] = true })
	look := func(m moment) { apart = apart && !later[m] }
	each(false, look)
	for _, p := range r.far {
		moments(p.rows, func(_ int, m moment) { look(m) })
	}
	return apart
}

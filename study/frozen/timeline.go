package frozen

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// A Moment is where a record of a participant stands in their time: records of one
// instant are in the order of their ids.
type Moment struct {
	Time   time.Time
	Record string // of a reading, which has no id, empty
}

func (m Moment) compare(o Moment) int {
	return cmp.Or(m.Time.Compare(o.Time), cmp.Compare(m.Record, o.Record))
}

// A Stretch is what is asked for of somebody's time.
type Stretch struct {
	Participant string
	From, To    time.Time // From inclusive, To exclusive
	After       Moment    // only what comes later; zero: everything
	Limit       int       // at most so many
}

// A Reading is a reading of glucose with a value.
type Reading struct {
	Moment
	OffsetS *int // how many seconds the wall clock was ahead of UTC; nil: not known
	MgdL    int16
}

// Readings are somebody's readings with a value, by time, and whether there are more.
// Exclusions are about metrics: what they leave out is here.
func (f *Snapshot) Readings(ctx context.Context, s Stretch) (all []Reading, more bool, err error) {
	for b, err := range f.stretch(ctx, "glucose", s, "time_utc", "local_time", "glucose_mgdl") {
		if err != nil {
			return nil, false, err
		}
		times, local, values := column[*array.Timestamp](b, "time_utc"), column[*array.Timestamp](b, "local_time"), column[*array.Int16](b, "glucose_mgdl")
		for row := range times.Len() {
			if values.IsNull(row) {
				continue
			}
			r := Reading{Moment: Moment{Time: instantAt(times, row)}, MgdL: values.Value(row)}
			if local.IsValid(row) {
				offset := int(int64(local.Value(row)-times.Value(row)) / 1e6)
				r.OffsetS = &offset
			}
			all = append(all, r)
		}
		b.Release()
		if s.enough(len(all)) {
			break
		}
	}
	return firstOf(all, s, func(r Reading) Moment { return r.Moment })
}

// stretch yields rows of a table of records in a stretch, by month.
func (f *Snapshot) stretch(ctx context.Context, table string, s Stretch, columns ...string) iter.Seq2[Piece, error] {
	t, _ := transform.TableNamed(table)
	from := s.From
	if s.After.Time.After(from) {
		from = s.After.Time
	}
	return f.Rows(ctx, Rows{Table: t, Columns: columns, Participants: []string{s.Participant}, From: from, To: s.To})
}

// enough reports whether the rows of all pieces so far are more than a page. Of a month
// whose files overlap an earlier row may still come, which only damage brings about.
func (s Stretch) enough(n int) bool { return s.Limit > 0 && n > s.Limit+1 }

// firstOf is as much of all as the stretch wants, in order.
func firstOf[R any](all []R, s Stretch, at func(R) Moment) (_ []R, more bool, err error) {
	slices.SortFunc(all, func(a, b R) int { return at(a).compare(at(b)) })
	if s.After != (Moment{}) {
		all = slices.DeleteFunc(all, func(r R) bool { return at(r).compare(s.After) <= 0 })
	}
	if s.Limit > 0 && len(all) > s.Limit {
		return all[:s.Limit], true, nil
	}
	return all, false, nil
}

func column[A arrow.Array](p Piece, name string) A { return columnNamed(p, name).(A) }

func instantAt(times *array.Timestamp, row int) time.Time {
	return time.UnixMicro(int64(times.Value(row))).UTC()
}

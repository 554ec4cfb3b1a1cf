package load

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
)

// summedColumns are the columns of glucose of which glucose_days is made.
var summedColumns = []string{
	"participant_id", "time_utc", "local_time", "local_date", "glucose_mgdl", "glucose_source", "overlap", "clock_suspect", "cadence_min", "excluded",
}

// heldReadings are rows of glucose as readings, with what glucose_days is made of. Their
// texts live as long as the rows.
func heldReadings(pieces []piece) (readings []reading.Reading) {
	same := func(text string) string { return text }
	for _, p := range pieces {
		column := func(name string) arrow.Array { return columnOf(p.rows, name) }
		times, locals, dates := column("time_utc").(*array.Timestamp), column("local_time").(*array.Timestamp), column("local_date").(*array.Date32)
		values, cadences := column("glucose_mgdl").(*array.Int16), column("cadence_min").(*array.Int16)
		overlaps, suspects := column("overlap").(*array.Boolean), column("clock_suspect").(*array.Boolean)
		from := meaningsOf([]arrow.Array{column("glucose_source"), column("excluded")}, same)
		for row, at := range times.Values() {
			local, date := maybe(locals, row), maybe(dates, row)
			readings = append(readings, reading.Reading{
				Time: int64(at), Local: reading.Maybe[int64]{V: int64(local.V), OK: local.OK}, LocalDate: reading.Maybe[int32]{V: int32(date.V), OK: date.OK},
				Value: maybe(values, row), ValueFrom: from.at(pick{0, int32(row)}), Excluded: from.at(pick{1, int32(row)}),
				Overlap: overlaps.Value(row), ClockSuspect: suspects.Value(row), Cadence: cmp.Or(maybe(cadences, row).V, slot),
			})
		}
	}
	return readings
}

// sumsDue reports whether a snapshot lacks glucose_days, because an older program made
// it, and has all that it is made of: where rows of glucose are lost, or of older rules,
// only a replay makes it.
func sumsDue(m lake.Manifest) bool {
	return !m.KeepsDays() && m.Version("glucose") >= shapeNamed("glucose").Sound && firstDamaged(m.TableFiles("glucose")) == nil
}

// sumHeld makes glucose_days of the rows of glucose if that is due, a file of one for a
// file of the other: all rows of a participant's day are in one. It then belongs to what
// the step is made on top of.
func (s *step) sumHeld(ctx context.Context) error {
	if !sumsDue(s.parent) {
		return nil
	}
	files := s.parent.TableFiles("glucose")
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		g.Go(func() (err error) {
			files[i], err = s.sumFile(ctx, f)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.commit.Add(files...)
	s.parent.Files, s.parent.Tables = slices.Concat(s.parent.Files, files), maps.Clone(s.parent.Tables)
	s.parent.Tables["glucose"] = shapeNamed("glucose").Version
	return nil
}

// sumFile makes the file of glucose_days that goes with one of glucose.
func (s *step) sumFile(ctx context.Context, f lake.File) (_ lake.File, err error) {
	w, err := s.commit.Create(shapeNamed(glucoseDaysTable).Table, f.Partition, f.Day)
	if err != nil {
		return lake.File{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Abort())
		}
	}()
	c := newCursor(ctx, s.loader.Lake, f, lake.ReadOptions{Columns: summedColumns})
	defer c.close()
	for {
		participant, more, err := c.read()
		if err != nil {
			return lake.File{}, err
		}
		if !more {
			return w.Close()
		}
		pieces, err := c.take(participant)
		if err != nil {
			return lake.File{}, err
		}
		rows := s.glucoseDayRows(participant, heldReadings(pieces))
		err = w.Write(rows)
		rows.Release()
		releasePieces(pieces)
		if err != nil {
			return lake.File{}, err
		}
	}
}

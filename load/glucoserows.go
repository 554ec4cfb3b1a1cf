package load

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/reading"
)

// glucoseRows are readings as rows of glucose. The caller releases them.
func (s *step) glucoseRows(t shape, participant string, readings []reading.Reading) arrow.RecordBatch {
	b := array.NewRecordBuilder(s.loader.Mem, t.schema)
	defer b.Release()
	b.Reserve(len(readings))
	column := func(name string) array.Builder { return b.Field(t.place[name]) }
	texts := func(name string, of func(*reading.Reading) string) {
		to := column(name).(*array.BinaryDictionaryBuilder)
		null := t.Columns[t.place[name]].Nullable
		for i := range readings {
			if text := of(&readings[i]); text == "" && null {
				to.AppendNull()
			} else {
				_ = to.AppendString(text) // its error is about other types
			}
		}
	}
	flags := func(name string, of func(*reading.Reading) bool) {
		to := column(name).(*array.BooleanBuilder)
		for i := range readings {
			to.Append(of(&readings[i]))
		}
	}
	texts("participant_id", func(*reading.Reading) string { return participant })
	texts("local_time_source", func(r *reading.Reading) string { return r.LocalFrom })
	texts("glucose_source", func(r *reading.Reading) string { return r.ValueFrom })
	texts("status", func(r *reading.Reading) string { return r.Status })
	texts("trend", func(r *reading.Reading) string { return r.Trend })
	texts("transmitter_id", func(r *reading.Reading) string { return r.Transmitter })
	flags("overlap", func(r *reading.Reading) bool { return r.Overlap })
	flags("clock_suspect", func(r *reading.Reading) bool { return r.ClockSuspect })
	utc, local := column("time_utc").(*array.TimestampBuilder), column("local_time").(*array.TimestampBuilder)
	date, sources := column("local_date").(*array.Date32Builder), column("n_sources").(*array.Int16Builder)
	cadence := column("cadence_min").(*array.Int16Builder)
	for i := range readings {
		r := &readings[i]
		utc.Append(arrow.Timestamp(r.Time))
		sources.Append(r.Sources)
		cadence.Append(r.Cadence)
		appendMaybe(local, reading.Maybe[arrow.Timestamp]{V: arrow.Timestamp(r.Local.V), OK: r.Local.OK})
		appendMaybe(date, reading.Maybe[arrow.Date32]{V: arrow.Date32(r.LocalDate.V), OK: r.LocalDate.OK})
		appendMaybe(column("study_day").(*array.Int32Builder), r.StudyDay)
		appendMaybe(column("glucose_mgdl").(*array.Int16Builder), r.Value)
		appendMaybe(column("trend_rate_mgdl_min").(*array.Float64Builder), r.Rate)
	}
	return b.NewRecordBatch()
}

func appendMaybe[T any](to builderOf[T], v reading.Maybe[T]) {
	if v.OK {
		to.Append(v.V)
	} else {
		to.AppendNull()
	}
}

package load

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/reading"
	"github.com/dexetl/dexetl/transform"
)

// glucoseRows are readings as rows of glucose. The caller releases them.
func (m *making) glucoseRows(readings []reading.Reading) arrow.RecordBatch {
	columns := make([]arrow.Array, len(m.t.Columns))
	fill := func(name string, of func(transform.Builder)) {
		b := transform.NewBuilder(m.step.loader.Mem, m.t.schema.Field(m.t.place[name]).Type)
		defer b.Release()
		b.Resize(len(readings))
		of(b)
		columns[m.t.place[name]] = b.NewArray()
	}
	m.fillTimes(readings, fill)
	m.fillValues(readings, fill)
	m.fillFromRecords(readings, columns)
	batch := array.NewRecordBatch(m.t.schema, columns, int64(len(readings)))
	for _, c := range columns {
		c.Release()
	}
	return batch
}

// filler fills a column.
type filler func(column string, of func(transform.Builder))

func (m *making) fillTimes(readings []reading.Reading, fill filler) {
	each(fill, "time_utc", readings, func(b *array.TimestampBuilder, r *reading.Reading) { b.Append(arrow.Timestamp(r.Time)) })
	each(fill, "local_time", readings, func(b *array.TimestampBuilder, r *reading.Reading) {
		appendMaybe(b, reading.Maybe[arrow.Timestamp]{V: arrow.Timestamp(r.Local.V), OK: r.Local.OK})
	})
	each(fill, "local_date", readings, func(b *array.Date32Builder, r *reading.Reading) {
		appendMaybe(b, reading.Maybe[arrow.Date32]{V: arrow.Date32(r.LocalDate.V), OK: r.LocalDate.OK})
	})
	each(fill, "local_time_source", readings, func(b *transform.TextBuilder, r *reading.Reading) { b.Append(r.LocalFrom) })
	each(fill, "study_day", readings, func(b *array.Int32Builder, r *reading.Reading) { appendMaybe(b, r.StudyDay) })
	each(fill, "clock_suspect", readings, func(b *array.BooleanBuilder, r *reading.Reading) { b.Append(r.ClockSuspect) })
}

func (m *making) fillValues(readings []reading.Reading, fill filler) {
	each(fill, "participant_id", readings, func(b *transform.TextBuilder, _ *reading.Reading) { b.Append(m.participant) })
	each(fill, "glucose_mgdl", readings, func(b *array.Int16Builder, r *reading.Reading) { appendMaybe(b, r.Value) })
	each(fill, "glucose_source", readings, func(b *transform.TextBuilder, r *reading.Reading) {
		appendMaybe(b, textOrNull(r.ValueFrom))
	})
	each(fill, "excluded", readings, func(b *transform.TextBuilder, r *reading.Reading) { appendMaybe(b, textOrNull(r.Excluded)) })
	each(fill, "n_sources", readings, func(b *array.Int16Builder, r *reading.Reading) { b.Append(r.Sources) })
	each(fill, "overlap", readings, func(b *array.BooleanBuilder, r *reading.Reading) { b.Append(r.Overlap) })
	each(fill, "cadence_min", readings, func(b *array.Int16Builder, r *reading.Reading) { b.Append(r.Cadence) })
}

// fillFromRecords copies what readings have of the records that stand for them.
func (m *making) fillFromRecords(readings []reading.Reading, columns []arrow.Array) {
	picks := make([]pick, len(readings))
	for i := range readings {
		picks[i] = m.egvs.picks[readings[i].Place]
	}
	for _, name := range [...]string{"status", "trend", "trend_rate_mgdl_min", "transmitter_id"} {
		place := m.t.place[name]
		columns[place] = gatherColumn(m.step.loader.Mem, m.t.schema.Field(place).Type, m.egvs.columns(name), picks)
	}
}

// each appends something of each reading to a column.
func each[B transform.Builder](fill filler, column string, readings []reading.Reading, do func(B, *reading.Reading)) {
	fill(column, func(b transform.Builder) {
		to := b.(B)
		for i := range readings {
			do(to, &readings[i])
		}
	})
}

// textOrNull is null for the empty text.
func textOrNull(s string) reading.Maybe[string] { return reading.Maybe[string]{V: s, OK: s != ""} }

func appendMaybe[T any](to builderOf[T], v reading.Maybe[T]) {
	if v.OK {
		to.Append(v.V)
	} else {
		to.AppendNull()
	}
}

package load

import (
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/reading"
)

// egvColumns are what readings are made of.
var egvColumns = [...]string{
	"participant_id", "record_id", "system_time", "display_time", "utc_offset_min", "utc_offset_source", "transmitter_id",
	"transmitter_ticks", "display_device", "display_app", "glucose_mgdl", "status", "trend", "trend_rate_mgdl_min", "vanished_at",
}

// egvRows are present rows of egvs of one participant, in batches that have
// egvColumns, among others or alone.
type egvRows struct {
	batches []arrow.RecordBatch
	picks   []pick
}

// add adds the present rows of pieces, which it takes over.
func (r *egvRows) add(pieces []piece) {
	for _, p := range pieces {
		vanished := columnOf(p.rows, "vanished_at")
		for row := range int(p.rows.NumRows()) {
			if vanished.IsNull(row) {
				r.picks = append(r.picks, pick{int32(len(r.batches)), int32(row)})
			}
		}
		r.batches = append(r.batches, p.rows)
	}
}

// addRecords adds the present rows that are wanted.
func (r *egvRows) addRecords(of *records, wanted func(*record) bool) {
	first := int32(len(r.batches))
	for _, b := range of.sources {
		b.Retain()
		r.batches = append(r.batches, b)
	}
	for _, m := range slices.Sorted(maps.Keys(of.months)) {
		for _, place := range of.months[m].rows {
			if rec := &of.rows[place]; !rec.gone && rec.vanished == 0 && wanted(rec) {
				r.picks = append(r.picks, pick{first + rec.src, rec.row})
			}
		}
	}
}

func (r *egvRows) release() { releaseAll(r.batches) }

// columns are the column of every batch.
func (r *egvRows) columns(name string) []arrow.Array {
	all := make([]arrow.Array, len(r.batches))
	for i, b := range r.batches {
		all[i] = columnOf(b, name)
	}
	return all
}

func columnOf(b arrow.RecordBatch, name string) arrow.Array {
	return b.Column(b.Schema().FieldIndices(name)[0])
}

// records are the rows as readings are made of them, their places being those of
// picks. Their ids live as long as the batches.
func (r *egvRows) records() []reading.Record {
	same := func(name string) string { return name }
	isWatch := func(app string) bool { return reading.DeviceOf("", app) == reading.Watch }
	kindOf := func(device string) reading.Device { return reading.DeviceOf(device, "") }
	id, transmitters := typed[*array.String](r.columns("record_id")), meaningsOf(r.columns("transmitter_id"), same)
	offsets, statuses := meaningsOf(r.columns("utc_offset_source"), reading.OffsetOf), meaningsOf(r.columns("status"), reading.StatusOf)
	devices, watches := meaningsOf(r.columns("display_device"), kindOf), meaningsOf(r.columns("display_app"), isWatch)
	times, display := typed[*array.Timestamp](r.columns("system_time")), typed[*array.Timestamp](r.columns("display_time"))
	offset, value := typed[*array.Int16](r.columns("utc_offset_min")), typed[*array.Int16](r.columns("glucose_mgdl"))
	ticks := typed[*array.Int64](r.columns("transmitter_ticks"))
	records := make([]reading.Record, len(r.picks))
	for i, p := range r.picks {
		row := int(p.row)
		records[i] = reading.Record{
			ID: id[p.src].Value(row), Transmitter: transmitters.at(p), Time: int64(times[p.src].Value(row)), Ticks: maybe(ticks[p.src], row).V,
			OffsetMin: maybe(offset[p.src], row), Value: maybe(value[p.src], row),
			OffsetFrom: offsets.at(p), Status: statuses.at(p), Device: devices.at(p), Place: int32(i),
		}
		if watches.at(p) {
			records[i].Device = reading.Watch
		}
		if display[p.src].IsValid(row) {
			records[i].Display = reading.Some(int64(display[p.src].Value(row)))
		}
	}
	return records
}

// meanings are what the texts of a column mean, by source: each text that repeats is
// looked at once.
type meanings[T any] struct {
	of    []*array.Dictionary
	texts [][]T
	none  T // of null, which is empty
}

func meaningsOf[T any](columns []arrow.Array, means func(string) T) meanings[T] {
	m := meanings[T]{of: typed[*array.Dictionary](columns), texts: make([][]T, len(columns)), none: means("")}
	for i, c := range m.of {
		texts := c.Dictionary().(*array.String)
		m.texts[i] = make([]T, texts.Len())
		for j := range m.texts[i] {
			m.texts[i][j] = means(texts.Value(j))
		}
	}
	return m
}

func (m *meanings[T]) at(p pick) T {
	c := m.of[p.src]
	if c.IsNull(int(p.row)) {
		return m.none
	}
	return m.texts[p.src][c.Indices().(*array.Int32).Value(int(p.row))]
}

func maybe[T any, A valuesOf[T]](a A, row int) reading.Maybe[T] {
	if a.IsNull(row) {
		return reading.Maybe[T]{}
	}
	return reading.Some(a.Value(row))
}

package transform

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

var source = []byte("api")

// A head is what the tables of records have in common, of one record.
type head struct {
	id           []byte
	system       time.Time
	display      dexcom.Time
	offset       maybe[int16]
	offsetSource []byte
	ticks        maybe[int64]
	origin
}

// An origin is the columns of a dexcom.Origin, nil where null.
type origin struct{ transmitter, generation, variant, device, app []byte }

// head reads what r, a record of the answer's resource, has in common with
// others.
func (w *applier) head(r *dexcom.Header) (h head, bad *reject) {
	if h.system, bad = w.systemTime(r.SystemTime); bad != nil {
		return h, bad
	}
	h.display = r.DisplayTime
	h.offset, h.offsetSource = offset(h.system, r.DisplayTime)
	w.displayTime(r.DisplayTime, h.offset)
	if len(r.TransmitterTicks) > 0 {
		ticks, bad := whole("transmitterTicks", r.TransmitterTicks, math.MinInt64, math.MaxInt64)
		if bad != nil {
			return h, bad
		}
		h.ticks = some(ticks)
	}
	h.origin = w.origin(&r.Origin)
	w.unknown("", r.Extra)
	h.id = r.ID
	if len(h.id) == 0 {
		w.warn("recordId", MissingID)
		h.id = []byte("sha256:" + digest([]byte(w.answer.Resource), canonical(r.Raw, nulls)))
	}
	return h, nil
}

func (w *applier) origin(o *dexcom.Origin) origin {
	return origin{
		transmitter: orNull(o.TransmitterID),
		generation:  w.deviceEnum(generations, o.TransmitterGeneration),
		variant:     w.deviceEnum(variants, o.TransmitterGenerationVariant),
		device:      w.deviceEnum(displayDevices, o.DisplayDevice),
		app:         orNull(o.DisplayApp),
	}
}

// deviceEnum is enum for the device columns, where empty and absent are one.
func (w *applier) deviceEnum(e *enum, v dexcom.Text) []byte {
	if len(v) == 0 {
		return nil
	}
	return w.enum(e, v)
}

// A recordTable builds the columns that the tables of records have in common.
type recordTable struct {
	participant, connection, source, id *array.StringBuilder
	system, display                     *array.TimestampBuilder
	offset                              *array.Int16Builder
	offsetSource                        *array.StringBuilder
	ticks                               *array.Int64Builder
	originColumns
	extra, request      *array.StringBuilder
	firstSeen, vanished *array.TimestampBuilder
}

func newRecordTable(b *array.RecordBuilder) recordTable {
	return recordTable{
		participant:   column[*array.StringBuilder](b, "participant_id"),
		connection:    column[*array.StringBuilder](b, "connection_id"),
		source:        column[*array.StringBuilder](b, "source"),
		id:            column[*array.StringBuilder](b, "record_id"),
		system:        column[*array.TimestampBuilder](b, "system_time"),
		display:       column[*array.TimestampBuilder](b, "display_time"),
		offset:        column[*array.Int16Builder](b, "utc_offset_min"),
		offsetSource:  column[*array.StringBuilder](b, "utc_offset_source"),
		ticks:         column[*array.Int64Builder](b, "transmitter_ticks"),
		originColumns: newOriginColumns(b),
		extra:         column[*array.StringBuilder](b, "extra"),
		request:       column[*array.StringBuilder](b, "request_id"),
		firstSeen:     column[*array.TimestampBuilder](b, "first_seen_at"),
		vanished:      column[*array.TimestampBuilder](b, "vanished_at"),
	}
}

// put appends one row's share; extra is the column of that name, nil for null.
func (t *recordTable) put(w *applier, h *head, extra []byte) {
	putText(t.participant, w.participant)
	putText(t.connection, w.connection)
	putText(t.source, source)
	putText(t.id, h.id)
	putTime(t.system, h.system, true)
	putTime(t.display, h.display.Wall, h.display.Valid)
	put(t.offset, h.offset)
	putText(t.offsetSource, h.offsetSource)
	put(t.ticks, h.ticks)
	t.originColumns.put(h.origin)
	putText(t.extra, extra)
	putText(t.request, w.request)
	putTime(t.firstSeen, w.asked, true)
	t.vanished.AppendNull()
}

// originColumns builds the columns of an origin.
type originColumns struct{ transmitter, generation, variant, device, app *array.StringBuilder }

func newOriginColumns(b *array.RecordBuilder) originColumns {
	return originColumns{
		transmitter: column[*array.StringBuilder](b, "transmitter_id"),
		generation:  column[*array.StringBuilder](b, "transmitter_generation"),
		variant:     column[*array.StringBuilder](b, "transmitter_generation_variant"),
		device:      column[*array.StringBuilder](b, "display_device"),
		app:         column[*array.StringBuilder](b, "display_app"),
	}
}

func (t *originColumns) put(o origin) {
	putText(t.transmitter, o.transmitter)
	putText(t.generation, o.generation)
	putText(t.variant, o.variant)
	putText(t.device, o.device)
	putText(t.app, o.app)
}

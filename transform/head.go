package transform

import (
	"math"
	"time"

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

// begin appends the cells before a resource's own ones.
func (w *applier) begin(t *table, h *head) {
	t.texts(w.participant, w.connection, source, h.id)
	t.time(h.system)
	t.display(h.display)
	put(t, h.offset)
	t.texts(h.offsetSource, h.transmitter)
	put(t, h.ticks)
	t.texts(h.generation, h.variant, h.device, h.app)
}

// end appends the cells behind a resource's own ones; extra is the column of that
// name, nil for null.
func (w *applier) end(t *table, extra []byte) {
	w.lineage(t, extra)
	t.null() // vanished_at
}

func (w *applier) lineage(t *table, extra []byte) {
	t.texts(extra, w.request)
	t.time(w.asked)
}

package transform

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// devices returns what adds a device to devices and its settings to alert_settings.
func (w *applier) devices() func(*dexcom.Device) *reject {
	t, settings := w.table("devices", 0), w.table("alert_settings", 0)
	return func(r *dexcom.Device) *reject {
		list, bad := settingsOf(w, r)
		if bad != nil {
			return bad
		}
		w.extra.reset()
		o := w.origin(&r.Origin)
		w.unknown("", r.Extra)
		w.precise("lastUploadDate", r.LastUpload)
		w.beginVersion(t, o)
		t.texts([]byte(contentHash(r.Raw)))
		t.system(r.LastUpload)
		put(t, some(int32(len(r.Schedules))))
		w.endVersion(t, w.extra.json())
		for i := range list {
			w.beginVersion(settings, o)
			list[i].put(settings)
			w.endVersion(settings, list[i].extra)
		}
		return nil
	}
}

// beginVersion appends what devices and alert_settings begin with.
func (w *applier) beginVersion(t *table, o origin) {
	t.texts(w.participant, w.connection, source, o.transmitter, o.generation, o.variant, o.device, o.app)
}

// endVersion appends what devices and alert_settings end with.
func (w *applier) endVersion(t *table, extra []byte) {
	w.lineage(t, extra)
	t.time(w.asked) // valid_from
	t.null()        // valid_to
}

// contentHash tells versions of a device apart: it is over the record in
// canonical spelling without nulls and without the times of its upload and of
// the changes to its settings.
func contentHash(raw jsontext.Value) string {
	return digest(canonical(raw, func(name []byte, value jsontext.Value) bool {
		switch string(bytes.ToLower(name)) {
		case "lastuploaddate", "systemtime", "displaytime":
			return true
		}
		return nulls(name, value)
	}))
}

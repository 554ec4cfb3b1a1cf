package transform

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// versionColumns builds what devices and alert_settings have in common.
type versionColumns struct {
	participant, connection, source *array.StringBuilder
	originColumns
	extra, request                *array.StringBuilder
	firstSeen, validFrom, validTo *array.TimestampBuilder
}

func newVersionColumns(b *array.RecordBuilder) versionColumns {
	return versionColumns{
		participant:   column[*array.StringBuilder](b, "participant_id"),
		connection:    column[*array.StringBuilder](b, "connection_id"),
		source:        column[*array.StringBuilder](b, "source"),
		originColumns: newOriginColumns(b),
		extra:         column[*array.StringBuilder](b, "extra"),
		request:       column[*array.StringBuilder](b, "request_id"),
		firstSeen:     column[*array.TimestampBuilder](b, "first_seen_at"),
		validFrom:     column[*array.TimestampBuilder](b, "valid_from"),
		validTo:       column[*array.TimestampBuilder](b, "valid_to"),
	}
}

func (t *versionColumns) put(w *applier, o origin, extra []byte) {
	putText(t.participant, w.participant)
	putText(t.connection, w.connection)
	putText(t.source, source)
	t.originColumns.put(o)
	putText(t.extra, extra)
	putText(t.request, w.request)
	putTime(t.firstSeen, w.asked, true)
	putTime(t.validFrom, w.asked, true)
	t.validTo.AppendNull()
}

// A deviceTable builds devices and, beside it, alert_settings.
type deviceTable struct {
	w *applier
	versionColumns
	hash       *array.StringBuilder
	lastUpload *array.TimestampBuilder
	schedules  *array.Int32Builder
	settings   settingTable
}

func (w *applier) devices() *deviceTable {
	b := w.table(devices(), 0)
	return &deviceTable{
		w:              w,
		versionColumns: newVersionColumns(b),
		hash:           column[*array.StringBuilder](b, "content_hash"),
		lastUpload:     column[*array.TimestampBuilder](b, "last_upload_date"),
		schedules:      column[*array.Int32Builder](b, "n_alert_schedules"),
		settings:       newSettingTable(w),
	}
}

func (t *deviceTable) add(r *dexcom.Device) *reject {
	w := t.w
	settings, bad := settingsOf(w, r)
	if bad != nil {
		return bad
	}
	w.extra.reset()
	o := w.origin(&r.Origin)
	w.unknown("", r.Extra)
	w.precise("lastUploadDate", r.LastUpload)
	putText(t.hash, []byte(contentHash(r.Raw)))
	putTime(t.lastUpload, r.LastUpload.UTC(), r.LastUpload.Valid)
	t.schedules.Append(int32(len(r.Schedules)))
	t.put(w, o, w.extra.json())
	for _, s := range settings {
		t.settings.add(w, o, s)
	}
	return nil
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

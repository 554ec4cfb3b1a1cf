package transform

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// An eventTable builds events and, beside it, event_notes.
type eventTable struct {
	w *applier
	recordTable
	kind, subtype                   *array.StringBuilder
	value                           *array.Float64Builder
	text, unit, status              *array.StringBuilder
	recordedSystem, recordedDisplay *array.TimestampBuilder

	notes recordTable
	note  *array.StringBuilder
}

func (w *applier) events() *eventTable {
	b := w.table(events(), len(w.answer.Body)/otherBytes)
	notes := w.table(eventNotes(), 0)
	return &eventTable{
		w:               w,
		recordTable:     newRecordTable(b),
		kind:            column[*array.StringBuilder](b, "event_type"),
		subtype:         column[*array.StringBuilder](b, "event_subtype"),
		value:           column[*array.Float64Builder](b, "value"),
		text:            column[*array.StringBuilder](b, "value_text"),
		unit:            column[*array.StringBuilder](b, "unit"),
		status:          column[*array.StringBuilder](b, "event_status"),
		recordedSystem:  column[*array.TimestampBuilder](b, "recorded_system_time"),
		recordedDisplay: column[*array.TimestampBuilder](b, "recorded_display_time"),
		notes:           newRecordTable(notes),
		note:            column[*array.StringBuilder](notes, "note"),
	}
}

func (t *eventTable) add(r *dexcom.Event) *reject {
	w := t.w
	h, bad := w.head(&r.Header)
	if bad != nil {
		return bad
	}
	kind := w.enum(eventTypes, r.Type)
	written := string(kind) == "notes" || isWords(r.Value)
	var note []byte
	if written {
		note = r.Value
		t.value.AppendNull()
		t.text.AppendNull()
		putText(t.unit, w.enum(eventUnits, r.Unit))
	} else {
		value, unit := t.number(r)
		put(t.value, value)
		putText(t.text, r.Value)
		putText(t.unit, unit)
	}
	w.pair("recordedSystemTime", r.RecordedSystemTime, "recordedDisplayTime", r.RecordedDisplayTime)
	putText(t.kind, kind)
	putText(t.subtype, w.enum(eventSubTypes, r.SubType))
	putText(t.status, w.enum(eventStatuses, r.Status))
	putTime(t.recordedSystem, r.RecordedSystemTime.UTC(), r.RecordedSystemTime.Valid)
	putTime(t.recordedDisplay, r.RecordedDisplayTime.Wall, r.RecordedDisplayTime.Valid)
	// Free text is kept apart, and beside a note so is whatever may repeat it.
	fields, rest := w.extra.split(func(v jsontext.Value) bool { return written || !wordless(v) })
	noted := written || !fields.empty()
	w.noted = append(w.noted, noted)
	if noted {
		putText(t.note, note)
		t.notes.put(w, &h, fields.json())
	}
	t.put(w, &h, rest.json())
	return nil
}

// isWords reports whether a value is what a person wrote: anything but a
// number, whatever the type of the event says.
func isWords(value dexcom.Text) bool {
	if len(value) == 0 {
		return false
	}
	_, err := dexcom.Number(value).Float64()
	return errors.Is(err, dexcom.ErrNotNumber)
}

// number is r's value where it is a number, and its unit; mg/dL where it was
// sent in mmol/L. Whatever the value is, it stays in value_text.
func (t *eventTable) number(r *dexcom.Event) (value maybe[float64], unit []byte) {
	f, err := dexcom.Number(r.Value).Float64()
	switch {
	case err != nil:
		return maybe[float64]{}, t.w.enum(eventUnits, r.Unit)
	case !inMmol(r.Unit):
		return some(f), t.w.enum(eventUnits, r.Unit)
	}
	t.w.extra.sent("value", r.Value)
	t.w.extra.sent("unit", r.Unit)
	return some(f * mgdlPerMmol), []byte(mgdl)
}

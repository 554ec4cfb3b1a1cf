package transform

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// events returns what adds an event to events and, if it has words, to event_notes.
func (w *applier) events() func(*dexcom.Event) *reject {
	t := w.table("events", len(w.answer.Body)/otherBytes)
	notes := w.table("event_notes", 0)
	return func(r *dexcom.Event) *reject {
		h, bad := w.head(&r.Header)
		if bad != nil {
			return bad
		}
		kind := w.enum(eventTypes, r.Type)
		written := string(kind) == "notes" || isWords(r.Value)
		var value maybe[float64]
		var note, text, unit []byte
		if written {
			note, unit = r.Value, w.enum(eventUnits, r.Unit)
		} else {
			value, unit = w.eventValue(r)
			text = r.Value
		}
		w.pair("recordedSystemTime", r.RecordedSystemTime, "recordedDisplayTime", r.RecordedDisplayTime)
		w.begin(t, &h)
		t.texts(kind, w.enum(eventSubTypes, r.SubType))
		put(t, value)
		t.texts(text, unit, w.enum(eventStatuses, r.Status))
		t.system(r.RecordedSystemTime)
		t.display(r.RecordedDisplayTime)
		// Free text is kept apart, and beside a note so is whatever may repeat it.
		fields, rest := w.extra.split(func(v jsontext.Value) bool { return written || !wordless(v) })
		noted := written || !fields.empty()
		w.noted = append(w.noted, noted)
		if noted {
			w.begin(notes, &h)
			notes.texts(note)
			w.end(notes, fields.json())
		}
		w.end(t, rest.json())
		return nil
	}
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

// eventValue is r's value where it is a number, and its unit; in mg/dL where it was
// sent in mmol/L. Whatever the value is, it stays in value_text.
func (w *applier) eventValue(r *dexcom.Event) (value maybe[float64], unit []byte) {
	f, err := dexcom.Number(r.Value).Float64()
	switch {
	case err != nil:
		return maybe[float64]{}, w.enum(eventUnits, r.Unit)
	case !inMmol(r.Unit):
		return some(f), w.enum(eventUnits, r.Unit)
	}
	w.extra.sent("value", r.Value)
	w.extra.sent("unit", r.Unit)
	unit = []byte(mgdl)
	if len(r.Unit) > len(mmol) {
		unit = append(unit, "/min"...)
	}
	return some(f * mgdlPerMmol), unit
}

package transform

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// An extra collects what a record's columns do not say.
type extra struct {
	members []member // under their own names
	asSent  []member // under "sent": texts that read otherwise in their column
	buffer  []byte
}

func (e *extra) reset() { e.members, e.asSent = e.members[:0], e.asSent[:0] }

// member adds a field that has no column. One that is itself called sent goes
// where the texts as sent are: no column has that name, so it meets none.
func (e *extra) member(name string, canonical []byte) {
	if name == "sent" {
		e.asSent = append(e.asSent, member{name, canonical})
		return
	}
	e.members = append(e.members, member{name, canonical})
}

// sent adds a field's text as sent.
func (e *extra) sent(field string, text []byte) {
	e.asSent = append(e.asSent, member{field, appendQuoted(nil, text)})
}

// sentEmpty adds a field that was sent as an empty text, not one that was not
// sent: in the column both are null.
func (e *extra) sentEmpty(field string, text []byte) {
	if text != nil && len(text) == 0 {
		e.sent(field, text)
	}
}

// split parts the fields without a column whose values are apart from all
// else: their names and the texts as sent of fields that have a column.
func (e *extra) split(apart func(jsontext.Value) bool) (fields, rest extra) {
	for _, m := range e.members {
		if apart(m.value) {
			fields.members = append(fields.members, m)
		} else {
			rest.members = append(rest.members, m)
		}
	}
	for _, m := range e.asSent {
		if m.name == "sent" && apart(m.value) { // see member
			fields.asSent = append(fields.asSent, m)
		} else {
			rest.asSent = append(rest.asSent, m)
		}
	}
	return fields, rest
}

func (e *extra) empty() bool { return len(e.members) == 0 && len(e.asSent) == 0 }

// json is the column: a JSON object, nil if there is nothing in it. It is
// valid until the next call.
func (e *extra) json() []byte {
	if e.empty() {
		return nil
	}
	members := slices.Clip(e.members)
	if len(e.asSent) > 0 {
		members = append(members, member{"sent", appendMembers(nil, e.asSent)})
	}
	e.buffer = appendMembers(e.buffer[:0], members)
	return e.buffer
}

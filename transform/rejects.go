package transform

import (
	"bytes"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A Reason says why a record could not become a row, in words that do not
// change.
type Reason = dexcom.Reason

// Reasons beside those of package dexcom, which are about reading:
// [dexcom.NotObject], [dexcom.WrongKind], [dexcom.SentTwice],
// [dexcom.BadText], [dexcom.BadNumber], [dexcom.BadTime], [dexcom.BadBool].
const (
	NoSystemTime    Reason = "no system time"
	ImplausibleTime Reason = "system time before 2010 or more than a day ahead of the server"
	NotWhole        Reason = "not a whole number"
	OutOfRange      Reason = "number out of range"
)

// A reject is why a record is no row; field is empty if it is the record
// itself.
type reject struct {
	reason Reason
	field  string
}

// firstFault is the reject for what could not be read, or nil.
func firstFault(m *dexcom.Meta) *reject {
	if len(m.Faults) == 0 {
		return nil
	}
	return &reject{m.Faults[0].Reason, m.Faults[0].Field}
}

type rejectTable struct {
	rows                                                               int
	id, participant, connection, resource, reason, field, raw, request *array.StringBuilder
	seen                                                               *array.TimestampBuilder
	texts                                                              []string // see Batch.Unread
}

func newRejectTable(w *applier) rejectTable {
	b := w.table(rejects(), 0)
	return rejectTable{
		id:          column[*array.StringBuilder](b, "reject_id"),
		participant: column[*array.StringBuilder](b, "participant_id"),
		connection:  column[*array.StringBuilder](b, "connection_id"),
		resource:    column[*array.StringBuilder](b, "resource"),
		reason:      column[*array.StringBuilder](b, "reason"),
		field:       column[*array.StringBuilder](b, "field"),
		raw:         column[*array.StringBuilder](b, "raw"),
		request:     column[*array.StringBuilder](b, "request_id"),
		seen:        column[*array.TimestampBuilder](b, "seen_at"),
	}
}

// add appends the record raw. Broken UTF-8 in it, which no reader of the table
// could stand, is replaced by U+FFFD, and what a person may have written is left
// out; its id and the raw log know it as sent.
func (t *rejectTable) add(w *applier, r reject, raw []byte) {
	t.rows++
	putText(t.id, []byte(digest(w.participant, []byte(w.answer.Resource), raw)))
	putText(t.participant, w.participant)
	putText(t.connection, w.connection)
	putText(t.resource, []byte(w.answer.Resource))
	putText(t.reason, []byte(r.reason))
	putText(t.field, orNull([]byte(r.field)))
	shown := raw
	if w.answer.Resource == dexcom.Events {
		shown = withoutWords(raw)
	}
	putText(t.raw, bytes.ToValidUTF8(shown, []byte("\uFFFD")))
	t.texts = appendTexts(t.texts, raw)
	putText(t.request, w.request)
	putTime(t.seen, w.asked, true)
}

// appendTexts appends every text in a record that could not be read: one of
// them may be its id, wherever it stands. Of numbers only one that is sent as
// recordId is a text.
func appendTexts(texts []string, raw []byte) []string {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	id := false
	for {
		token, err := d.ReadToken()
		if err != nil {
			return texts
		}
		kind, n := d.StackIndex(d.StackDepth())
		name := kind == '{' && n%2 == 1
		switch {
		case name:
			id = strings.EqualFold(token.String(), "recordId")
		case token.Kind() == '"', token.Kind() == '0' && id:
			texts = append(texts, token.String())
		}
	}
}

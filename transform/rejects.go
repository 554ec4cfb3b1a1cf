package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A Reason says why a record could not become a row, in words that do not
// change.
type Reason = dexcom.Reason

// Reasons beside those of package dexcom, which are about reading:
// [dexcom.NotObject], [dexcom.WrongKind], [dexcom.SentTwice],
// [dexcom.BadText], [dexcom.BadNumber], [dexcom.BadTime], [dexcom.BadBool],
// [dexcom.TooLong], [dexcom.TooDeep], [dexcom.TooMany], [dexcom.LongName],
// [dexcom.LongText], [dexcom.LongExtra].
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
	rows                                                                       int
	id, participant, connection, resource, reason, field, raw, request, sha256 *array.StringBuilder
	seen                                                                       *array.TimestampBuilder
	bytes                                                                      *array.Int64Builder
	texts                                                                      Texts       // see Batch.Unread
	times                                                                      []time.Time // see Batch.RejectedAt
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
		bytes:       column[*array.Int64Builder](b, "raw_bytes"),
		sha256:      column[*array.StringBuilder](b, "raw_sha256"),
	}
}

// shownBytes is how much of a rejected record is told.
const shownBytes = 4 << 10

// add appends the record raw, or the first shownBytes of it. Broken UTF-8 in it,
// which no reader of the table could stand, is replaced by U+FFFD, and what a person
// may have written is left out; its id, its hash and the raw log know it as sent.
func (t *rejectTable) add(w *applier, r reject, raw []byte) {
	t.rows++
	putText(t.id, []byte(digest(w.participant, []byte(w.answer.Resource), raw)))
	putText(t.participant, w.participant)
	putText(t.connection, w.connection)
	putText(t.resource, []byte(w.answer.Resource))
	putText(t.reason, []byte(r.reason))
	putText(t.field, orNull([]byte(shown(r.field))))
	told := raw
	if w.answer.Resource == dexcom.Events {
		told = withoutWords(raw)
	}
	putText(t.raw, head4k(told))
	t.bytes.Append(int64(len(raw)))
	sum := sha256.Sum256(raw)
	putText(t.sha256, hex.AppendEncode(nil, sum[:]))
	t.times = append(t.times, t.texts.read(raw))
	putText(t.request, w.request)
	putTime(t.seen, w.asked, true)
}

// head4k is the start of a text, valid and cut between two characters.
func head4k(text []byte) []byte {
	text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	if len(text) <= shownBytes {
		return text
	}
	end := shownBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

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

// rejected are the records of an answer that could not become rows.
type rejected struct {
	table *table
	rows  int
	texts Texts       // see Batch.Unread
	times []time.Time // see Batch.RejectedAt
}

// shownBytes is how much of a rejected record is told.
const shownBytes = 4 << 10

// reject appends the record raw, or the first shownBytes of it. Broken UTF-8 in it,
// which no reader of the table could stand, is replaced by U+FFFD, and what a person
// may have written is left out; its id, its hash and the raw log know it as sent.
func (w *applier) reject(r reject, raw []byte) {
	told := raw
	if w.answer.Resource == dexcom.Events {
		told = withoutWords(raw)
	}
	sum := sha256.Sum256(raw)
	t, resource := w.rejected.table, []byte(w.answer.Resource)
	t.texts([]byte(digest(w.participant, resource, raw)), w.participant, w.connection, resource,
		[]byte(r.reason), orNull([]byte(shown(r.field))), head4k(told), w.request)
	t.time(w.asked)
	put(t, some(int64(len(raw))))
	t.texts(hex.AppendEncode(nil, sum[:]))
	w.rejected.rows++
	w.rejected.times = append(w.rejected.times, w.rejected.texts.read(raw))
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

package transform

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// plainFields are the members of an event whose text no person writes. The
// others may hold a note, value most of all.
func plainFields() map[string]bool {
	plain := map[string]bool{}
	event, _ := dexcom.TypeNamed("event-record")
	for _, f := range event.Fields {
		plain[f.Name] = f.Kind != dexcom.IsNote
	}
	return plain
}

// longestPlain is more than any field of an event has that a device wrote.
const longestPlain = 64

// withoutWords returns an event that could not be read, with a statement of
// its length in the place of everything that may be free text: all but what is
// wordless, a value that is a number as text, and the short texts of fields that
// devices fill. Names stay, and so does the order.
func withoutWords(raw []byte) []byte {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return withheld(nil, raw)
	}
	d.ReadToken()
	plain, out := plainFields(), []byte{'{'}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return withheld(nil, raw)
		}
		name := token.String()
		value, err := d.ReadValue()
		if err != nil {
			return withheld(nil, raw)
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, name), ':')
		if asSent(name, value, plain) {
			out = append(out, value...)
		} else {
			out = withheld(out, value)
		}
	}
	return append(out, '}')
}

// wordless reports whether nobody can have written anything in value: it is a
// number, true, false, null or empty. A number as text may be a telephone
// number.
func wordless(value jsontext.Value) bool {
	switch value.Kind() {
	case '{', '[', '"':
		return len(value) == len("{}")
	}
	return true
}

// asSent reports whether the member of an event is told as sent.
func asSent(name string, value jsontext.Value, plain map[string]bool) bool {
	if value.Kind() != '"' || wordless(value) {
		return wordless(value)
	}
	text, _ := jsontext.AppendUnquote(nil, value) // broken UTF-8 aside
	if name == "value" {
		return !isWords(text)
	}
	return plain[name] && len(text) <= longestPlain
}

// withheld appends what stands for text that is left out.
func withheld(dst, text []byte) []byte {
	return appendQuoted(dst, fmt.Sprintf("(%d bytes, in the raw log only)", len(text)))
}

package dexcom

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// fields are members that an object knows: by name, where their value goes. Nil:
// nobody needs it.
type fields []struct {
	name string
	to   any
}

// A note is what a person may have written.
type note struct{ *Text }

// known reads the value of the member name, if it is one of all. Null leaves what
// is there, so null and absent are one.
func (r *reader) known(name []byte, all fields) bool {
	for i := range all {
		if string(name) == all[i].name {
			r.field(name, all[i].to)
			return true
		}
	}
	return false
}

func (r *reader) field(name []byte, to any) {
	switch to := to.(type) {
	case nil:
		r.skip()
	case *Text:
		r.text(name, to)
	case note:
		r.textOf(name, to.Text, maxNoteBytes)
	case *Number:
		r.number(name, to)
	case *Time:
		r.time(name, to)
	case *Bool:
		r.bool(name, to)
	case object:
		r.object(name, to)
	}
}

func (r *reader) text(name []byte, t *Text) { r.textOf(name, t, MaxTextBytes) }

func (r *reader) textOf(name []byte, t *Text, limit int) {
	v := r.scalar(name, *t != nil)
	if v == nil {
		return
	}
	switch v.Kind() {
	case '"':
		text, ok := unquote(v)
		if !ok {
			r.fault(name, v, BadText)
		}
		*t = text
	case '0':
		*t = Text(v)
	default:
		r.fault(name, v, WrongKind)
	}
	r.fitsText(name, v, *t, limit)
}

func (r *reader) number(name []byte, n *Number) {
	v := r.scalar(name, *n != nil)
	if v == nil {
		return
	}
	switch v.Kind() {
	case '"':
		text, ok := unquote(v)
		if !ok || len(text) > 0 && !decimal(Number(text)) {
			r.fault(name, v, BadNumber)
		}
		*n = Number(text)
	case '0':
		*n = Number(v)
	default:
		r.fault(name, v, BadNumber)
	}
	r.fitsText(name, v, *n, MaxTextBytes)
}

func (r *reader) time(name []byte, t *Time) {
	v := r.scalar(name, t.Text != nil)
	if v == nil {
		return
	}
	text, ok := unquote(v)
	switch {
	case !ok:
		r.fault(name, v, BadTime)
	case len(text) == 0:
		*t = Time{Text: text}
	default:
		parsed, err := ParseTime(text)
		if err != nil {
			r.fault(name, v, BadTime)
		}
		*t = parsed
	}
}

func (r *reader) bool(name []byte, b *Bool) {
	v := r.scalar(name, *b != Unsent)
	if v == nil {
		return
	}
	word := bytes.Trim(v, `"`)
	switch {
	case bytes.EqualFold(word, []byte("true")):
		*b = Yes
	case bytes.EqualFold(word, []byte("false")):
		*b = No
	case len(word) > 0:
		r.fault(name, v, BadBool)
	}
}

// scalar reads a value that is not null; nil if it is null or reading stopped.
func (r *reader) scalar(name []byte, again bool) jsontext.Value {
	v := r.value()
	if v == nil || v[0] == 'n' {
		return nil
	}
	if again {
		r.fault(name, v, SentTwice)
	}
	return v
}

// unquote returns what a JSON string says, without copying where it has no
// escapes; false if v is no string or not valid UTF-8.
func unquote(v jsontext.Value) (Text, bool) {
	if v[0] != '"' {
		return nil, false
	}
	inside := v[1 : len(v)-1 : len(v)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return Text(inside), utf8.Valid(inside)
	}
	text, err := jsontext.AppendUnquote(nil, v)
	return text, err == nil
}

package dexcom

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// fields are the members that an object knows: by name, where their value goes. Null
// leaves what is there, so null and absent are one.
type fields []field

type field struct {
	name string
	to   any // nil: nobody needs it
}

// A note is what a person may have written.
type note struct{ *Text }

// A reading reads the value of the member name itself.
type reading func(r *reader, name []byte)

// A layout is the fields of objects that are read one after the other. Most often
// each has them in the order of the one before.
type layout struct {
	fields
	next []int // by place of a field: the place of the one behind it
	last int   // place of the one that was found last
}

func newLayout(all fields) *layout { return &layout{fields: all, next: make([]int, len(all))} }

// find finds the field called name, and reports where its value goes.
func (l *layout) find(name []byte) (to any, known bool) {
	for i := range l.fields {
		if f := &l.fields[i]; string(name) == f.name {
			l.next[l.last], l.last = i, i
			return f.to, true
		}
	}
	return nil, false
}

// guess is the field that is most likely next.
func (l *layout) guess() *field { return &l.fields[l.next[l.last]] }

// field reads the value of the member name.
func (r *reader) field(name []byte, to any) {
	switch to := to.(type) {
	case nil:
		r.value()
	case *Text:
		r.text(name, to)
	case note:
		r.textOf(name, to.Text, MaxNoteBytes)
	case *Number:
		r.number(name, to)
	case *Time:
		r.time(name, to)
	case *Bool:
		r.bool(name, to)
	case reading:
		to(r, name)
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
		text, ok := r.unquote(v)
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
		text, ok := r.unquote(v)
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
	text, ok := r.unquote(v)
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

// unquote returns what v says, a JSON string just read, without copying where it has no
// escapes; false if v is no string or not valid UTF-8.
func (r *reader) unquote(v jsontext.Value) (Text, bool) {
	if v[0] != '"' {
		return nil, false
	}
	inside := v[1 : len(v)-1 : len(v)-1]
	if r.ascii {
		return Text(inside), true
	}
	if bytes.IndexByte(inside, '\\') < 0 {
		return Text(inside), utf8.Valid(inside)
	}
	text, err := jsontext.AppendUnquote(nil, v)
	return text, err == nil
}

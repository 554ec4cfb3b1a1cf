package dexsim

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// A writer appends JSON by hand: the simulator decides the shape of every
// field by itself, and a month of EGVs is some 8,600 records.
type writer struct{ b []byte }

func (w *writer) open(bracket byte)  { w.comma(); w.b = append(w.b, bracket) }
func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

// comma separates the next value from the one before, if there is one.
func (w *writer) comma() {
	if len(w.b) == 0 {
		return
	}
	switch w.b[len(w.b)-1] {
	case '{', '[', ':':
	default:
		w.b = append(w.b, ',')
	}
}

func (w *writer) key(name string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(append(w.b, name...), '"', ':')
}

// object writes a member that is an object.
func (w *writer) object(name string, content func()) {
	w.key(name)
	w.open('{')
	content()
	w.close('}')
}

// listed writes a member that is a list.
func listed[T any](w *writer, name string, all []T, write func(T)) {
	w.key(name)
	w.open('[')
	for _, x := range all {
		write(x)
	}
	w.close(']')
}

func (w *writer) text(name, value string) {
	w.key(name)
	w.quote(value)
}

// quote appends value as a string, without a comma before it.
func (w *writer) quote(value string) {
	// The only error is invalid UTF-8, which it replaces.
	w.b, _ = jsontext.AppendQuote(w.b, value)
}

func (w *writer) raw(name, value string) {
	w.key(name)
	w.b = append(w.b, value...)
}

func (w *writer) bool(name string, value bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, value)
}

// textOrNull writes value, or null (or nothing) where it is empty.
func (w *writer) textOrNull(name, value string, omit bool) {
	switch {
	case value != "":
		w.text(name, value)
	case !omit:
		w.raw(name, "null")
	}
}

// textOrBlank is textOrNull for the fields that are sometimes sent as "".
func (w *writer) textOrBlank(name, value string, how wire) {
	if value == "" && how.blank {
		w.text(name, "")
		return
	}
	w.textOrNull(name, value, how.omitNull)
}

// number writes value, or null (or nothing) where there is none.
func (w *writer) number(name string, value *float64, how wire) {
	switch {
	case value == nil && how.omitNull:
	case value == nil:
		w.raw(name, "null")
	case how.textNumbers:
		w.text(name, strconv.FormatFloat(*value, 'f', -1, 64))
	default:
		w.key(name)
		w.b = strconv.AppendFloat(w.b, *value, 'f', -1, 64)
	}
}

func (w *writer) integer(name string, value int64, asText bool) {
	w.key(name)
	if asText {
		w.quote(strconv.FormatInt(value, 10))
		return
	}
	w.b = strconv.AppendInt(w.b, value, 10)
}

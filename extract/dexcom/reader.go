package dexcom

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// A Reason says why a field or a record could not be read, in words that do
// not change.
type Reason string

// Every reason there is.
const (
	NotObject Reason = "record is not an object"
	WrongKind Reason = "wrong kind of JSON value"
	SentTwice Reason = "field sent twice"
	BadText   Reason = "text is not valid UTF-8"
	BadNumber Reason = "not a number"
	BadTime   Reason = "not a time"
	BadBool   Reason = "not true or false"

	TooLong  Reason = "record is too long"
	TooDeep  Reason = "record is nested too deeply"
	TooMany  Reason = "record has too many values"
	LongName Reason = "name of a field is too long"

	LongText  Reason = "text is too long"
	LongExtra Reason = "unknown fields are too long"
)

// A FieldError is a field that could not be read. Its text leaves the raw value
// out, which may be glucose or a note.
type FieldError struct {
	Field  string
	Raw    jsontext.Value // as sent; nil if it is the field itself that is wrong
	Reason Reason
}

func (e FieldError) Error() string {
	return fmt.Sprintf("%s: %s", Shorten(Printable(e.Field)), e.Reason)
}

// An object is what a JSON object is read into.
type object interface {
	fields() fields
	extras() *Extras
}

// A reader reads one body. The first broken JSON stops it; from then on it
// reads nothing.
type reader struct {
	ahead
	plain  []byte
	json   *jsontext.Decoder // may be behind: see catchUp
	err    error
	faults *[]FieldError // where to put what cannot be read
	tally  tally         // of the record in hand
}

// bom is a byte order mark in UTF-8. RFC 8259 lets a reader of JSON skip it.
var bom = []byte("\uFEFF")

// newReader reads plain. Duplicate names and broken UTF-8 are let through here:
// they spoil a record, not the page.
func newReader(plain []byte) *reader {
	plain = bytes.TrimPrefix(plain, bom)
	r := &reader{ahead: ahead{body: plain}, plain: plain, json: jsontext.NewDecoder(bytes.NewBuffer(plain),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	r.to(0)
	return r
}

func (r *reader) stop(err error) {
	if r.err == nil {
		r.err = err
	}
}

// fault notes what cannot be read. Of very many the first ones tell enough.
func (r *reader) fault(field []byte, raw jsontext.Value, reason Reason) {
	if len(*r.faults) == maxFaults {
		return
	}
	*r.faults = append(*r.faults, FieldError{string(field), raw, reason})
}

// goesOn reports whether the array or object being read goes on; end is what closes
// it.
func (r *reader) goesOn(end byte, first bool) bool {
	if r.err != nil {
		return false
	}
	more, sure := r.more(end, first)
	if !sure {
		r.lost()
		more = r.peek() != jsontext.Kind(end)
	}
	return more
}

// object reads the next value into o. Null leaves o as it is; any other kind is
// a fault.
func (r *reader) object(name []byte, o object) {
	if !r.opens('{', name) {
		return
	}
	r.token()
	r.members(newLayout(o.fields()), o.extras())
}

// members reads the rest of an object, from behind its brace.
func (r *reader) members(known *layout, extras *Extras) {
	for first := true; r.goesOn('}', first); first = false {
		r.member(known, extras)
	}
	r.token()
}

// array reads the next value, calling each at the start of every element, and
// reports whether it was an array. Null is none; any other kind is a fault.
func (r *reader) array(name []byte, each func()) bool {
	if !r.opens('[', name) {
		return false
	}
	r.token()
	for first := true; r.goesOn(']', first); first = false {
		if r.fits() {
			each()
		} else {
			r.value()
		}
	}
	r.token()
	return true
}

// list reads the next value, an array, into all; each reads an element. It
// reports whether it was an array.
func list[T any](r *reader, name []byte, all *[]T, each func(*T)) bool {
	if *all != nil {
		r.fault(name, nil, SentTwice)
	}
	return r.array(name, func() {
		*all = append(*all, *new(T))
		each(&(*all)[len(*all)-1])
	})
}

// opens reports whether the next value is of kind. If not, it reads it.
func (r *reader) opens(kind jsontext.Kind, name []byte) bool {
	if r.err != nil {
		return false
	}
	if r.peek() == kind {
		return true
	}
	if v := r.value(); v != nil && v[0] != 'n' {
		r.fault(name, v, WrongKind)
	}
	return false
}

// member reads one member: its name and its value.
func (r *reader) member(known *layout, extras *Extras) {
	if !r.fits() {
		r.name()
		r.value()
		return
	}
	if f := known.guess(); r.named(f.name) {
		known.last = known.next[known.last]
		r.field(r.body[r.last-1-len(f.name):r.last-1], f.to)
		return
	}
	quoted := r.name()
	if quoted == nil {
		return
	}
	name, ok := r.unquote(quoted)
	if !ok {
		r.fault(nil, quoted, BadText)
		r.value()
		return
	}
	spelt := lowerFirst(name)
	if to, ok := known.find(spelt); ok {
		r.field(spelt, to)
	} else {
		r.unknown(extras, name)
	}
}

// unknown reads the value of a member that nobody knows.
func (r *reader) unknown(extras *Extras, name []byte) {
	v := r.value()
	if v == nil || !r.fitsWithin(name, v) {
		return
	}
	if !r.tally.on && (len(extras.Extra) == MaxNames || len(name) > MaxNameBytes) {
		r.stop(errNames)
		return
	}
	if !v.IsValid(jsontext.AllowDuplicateNames(true)) {
		r.fault(name, v, BadText)
	}
	if !extras.add(Member{name, v}) {
		r.fault(name, v, SentTwice)
	}
}

// lowerFirst is name as it should be: a sample of Dexcom's spells
// secondaryTriggerCondition with a capital S.
func lowerFirst(name []byte) []byte {
	if len(name) == 0 || name[0] < 'A' || name[0] > 'Z' {
		return name
	}
	name = bytes.Clone(name)
	name[0] += 'a' - 'A'
	return name
}

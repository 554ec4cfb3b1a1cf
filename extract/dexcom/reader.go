package dexcom

import (
	"bytes"
	"errors"
	"fmt"
	"io"

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

// value reads the next value; nil if reading has stopped. It is a slice of the
// body, unlike what the decoder returns, which the next read overwrites.
func (r *reader) value() jsontext.Value {
	if r.err != nil {
		return nil
	}
	if v := r.scan(); v != nil {
		return v
	}
	var v jsontext.Value
	r.decode(func() (err error) { v, err = r.json.ReadValue(); return err })
	if r.err != nil {
		return nil
	}
	return jsontext.Value(r.plain[r.last-len(v) : r.last : r.last])
}

// name reads the name of a member, in quotes.
func (r *reader) name() jsontext.Value {
	if !r.is('"') {
		r.lost()
	}
	v := r.value()
	if r.is(':') {
		r.to(r.at + 1)
	} else {
		r.lost()
	}
	return v
}

// token reads what opens or closes an object or an array.
func (r *reader) token() {
	if r.err == nil && r.at < len(r.body) {
		r.passed(r.at + 1)
		return
	}
	r.decode(func() error { _, err := r.json.ReadToken(); return err })
}

func (r *reader) skip() { r.decode(r.json.SkipValue) }

// decode lets the decoder read on, after it has caught up.
func (r *reader) decode(read func() error) {
	if r.catchUp(); r.err != nil {
		return
	}
	if err := read(); err != nil {
		r.stop(incomplete(err))
		return
	}
	r.ascii = false
	r.passed(int(r.json.InputOffset()))
}

// catchUp brings the decoder to where we are.
func (r *reader) catchUp() {
	for at := 0; r.err == nil; {
		if at = int(r.json.InputOffset()); at >= r.last {
			return
		}
		var err error
		if at >= r.recordsFrom && at < r.recordsTo && r.json.PeekKind() == '{' {
			err = r.json.SkipValue()
		} else {
			_, err = r.json.ReadToken()
		}
		if err != nil {
			r.stop(err)
		}
	}
}

// peek is the kind of the next value, or what closes the one around it.
func (r *reader) peek() jsontext.Kind {
	if r.at < len(r.body) {
		return jsontext.Kind(r.body[r.at])
	}
	r.catchUp()
	r.lost()
	return r.json.PeekKind()
}

// end checks that nothing follows.
func (r *reader) end() {
	if len(bytes.TrimLeft(r.plain[r.last:], " \t\r\n")) == 0 {
		return
	}
	r.catchUp()
	switch _, err := r.json.ReadToken(); {
	case err == nil:
		r.stop(errors.New("more than one JSON value"))
	case err != io.EOF:
		r.stop(err)
	}
}

// incomplete turns the end of an empty body into what it is: a body cut off.
func incomplete(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
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
			r.skip()
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
		r.skip()
		r.skip()
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
		r.skip()
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
	if !r.tally.on && (len(extras.Extra) == maxNames || len(name) > maxNameBytes) {
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

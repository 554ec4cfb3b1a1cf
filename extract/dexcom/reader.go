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

// An object takes the members of a JSON object one by one: member reads the
// value of a name it knows from r, and returns false for others.
type object interface {
	member(r *reader, name []byte) bool
	extras() *Extras
}

// A reader reads one body. The first broken JSON stops it; from then on it
// reads nothing.
type reader struct {
	plain  []byte
	json   *jsontext.Decoder
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
	return &reader{plain: plain, json: jsontext.NewDecoder(bytes.NewBuffer(plain),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
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
	v, err := r.json.ReadValue()
	if err != nil {
		r.stop(incomplete(err))
		return nil
	}
	end := r.json.InputOffset()
	return jsontext.Value(r.plain[int(end)-len(v) : end : end])
}

func (r *reader) token() {
	if r.err == nil {
		if _, err := r.json.ReadToken(); err != nil {
			r.stop(incomplete(err))
		}
	}
}

func (r *reader) skip() {
	if r.err == nil {
		if err := r.json.SkipValue(); err != nil {
			r.stop(incomplete(err))
		}
	}
}

// end checks that nothing follows.
func (r *reader) end() {
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

// more reports whether the array or object being read goes on; end is what
// closes it.
func (r *reader) more(end jsontext.Kind) bool {
	return r.err == nil && r.json.PeekKind() != end
}

// object reads the next value into o. Null leaves o as it is; any other kind is
// a fault.
func (r *reader) object(name []byte, o object) {
	if !r.opens('{', name) {
		return
	}
	r.token()
	for r.more('}') {
		r.member(o)
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
	for r.more(']') {
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
	if r.json.PeekKind() == kind {
		return true
	}
	if v := r.value(); v != nil && v[0] != 'n' {
		r.fault(name, v, WrongKind)
	}
	return false
}

// member reads one member of o: its name and its value.
func (r *reader) member(o object) {
	if !r.fits() {
		r.skip()
		r.skip()
		return
	}
	quoted := r.value()
	if quoted == nil {
		return
	}
	name, ok := unquote(quoted)
	if !ok {
		r.fault(nil, quoted, BadText)
		r.skip()
		return
	}
	if !o.member(r, lowerFirst(name)) {
		r.unknown(o.extras(), name)
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

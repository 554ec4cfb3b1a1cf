package schemas

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/textfile"
)

// A Report is what a check of saved answers found.
type Report struct {
	Read     []Answers
	Findings []Finding
}

// Answers are how much of a type was read.
type Answers struct {
	Type    string // such as egvs-response
	Answers int
	Records int // in the lists of records of these answers
}

// A Finding is something that answers hold and dexetl does not know of. Nothing in it
// tells of a person.
type Finding struct {
	Type  string // of the answer
	What  What
	Path  string // from the answer on, such as records[].value; a point is the answer itself
	Count int
	Seen  string // what stood there: a kind of value, a word of an enum, the shape of a time
}

// What says what is new about a value, in words that do not change.
type What string

// All that may be new.
const (
	UnknownMember What = "unknown member"
	UnknownValue  What = "unknown value" // of an enum
	WrongType     What = "wrong type"
	Missing       What = "missing"
	NullValue     What = "null" // where none was ever seen
	NewTime       What = "new shape of time"
	OutOfRange    What = "out of range"
	SentTwice     What = "sent twice"
	More          What = "more" // findings than are told one by one
)

// whats are all of them.
func whats() []any {
	return []any{UnknownMember, UnknownValue, WrongType, Missing, NullValue, NewTime, OutOfRange, SentTwice, More}
}

// An UntoldError says that values do not tell of which type they are.
type UntoldError struct {
	Number int // of the first of them in its file, from 1
	Count  int
}

func (e *UntoldError) Error() string {
	if e.Count > 1 {
		return fmt.Sprintf("JSON value %d and %d more do not tell of which type they are", e.Number, e.Count-1)
	}
	return fmt.Sprintf("JSON value %d does not tell of which type it is", e.Number)
}

var errNothing = errors.New("there is nothing in it")

// CheckAnswers reads saved answers of Dexcom's API: one, several behind each other, or lists of
// them, as text or compressed. It finds what they have beyond dexcom.Types. As names the
// type of all of them; if it is empty, each tells for itself. Beside an error stands what
// could be read.
func CheckAnswers(from io.Reader, as string) (Report, error) {
	text, err := textfile.New(from)
	if err != nil {
		return Report{}, unreadable(err)
	}
	w, number, untold := newWalk(), 0, UntoldError{}
	err = eachValue(jsontext.NewDecoder(text, lenient()...), func(value jsontext.Value) {
		number++
		switch of := cmp.Or(as, w.typeOf(value)); {
		case of != "":
			w.answer(value, of)
		case untold.Count == 0:
			untold = UntoldError{number, 1}
		default:
			untold.Count++
		}
	})
	switch {
	case err == nil && number == 0:
		err = errNothing
	case err == nil && untold.Count > 0:
		err = &untold
	}
	w.sort()
	return w.report, err
}

// lenient lets through what does not keep anybody from reading the rest.
func lenient() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

// eachValue reads values to their end. Of a list it reads the elements.
func eachValue(d *jsontext.Decoder, do func(jsontext.Value)) error {
	for {
		kind := d.PeekKind()
		if kind == '[' && d.StackDepth() == 0 || kind == ']' || kind <= 0 {
			if _, err := d.ReadToken(); err == io.EOF {
				return nil
			} else if err != nil {
				return unreadable(err)
			}
			continue
		}
		value, err := d.ReadValue()
		if err != nil {
			return unreadable(err)
		}
		do(value)
	}
}

// unreadable is err without what stands in the file.
func unreadable(err error) error {
	broken, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends in the middle")
	case ok:
		return fmt.Errorf("it is not JSON from byte %d on", broken.ByteOffset+1)
	}
	return err
}

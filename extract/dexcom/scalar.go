package dexcom

import (
	"bytes"
	"errors"
	"math/big"
	"strconv"
)

// A Text is a text as sent: nil if none was sent or it was null, empty if it
// was empty. A number sent where a text belongs keeps its digits.
type Text []byte

func (t Text) String() string { return string(t) }

// A Number is a number as sent, be it as a number or as text; nil if none was
// sent or it was null, empty if an empty text was sent.
type Number []byte

func (n Number) String() string { return string(n) }

// What a Number may fail to be.
var (
	ErrNotNumber = errors.New("not a number")
	ErrNotWhole  = errors.New("not a whole number")
	ErrRange     = errors.New("number out of range")
)

// Int64 returns n if it is whole and fits, however it is written: 101, 101.0
// and 1.01e2 are one number. Nothing is rounded; the error says what is wrong.
// An absent number is ErrNotNumber.
func (n Number) Int64() (int64, error) {
	if i, ok := digits(n); ok {
		return i, nil
	}
	if !decimal(n) {
		return 0, ErrNotNumber
	}
	// 320 bits hold 64 digits to the last place; larger exponents would
	// overflow or, worse, vanish.
	const most, exponent = 64, len("e-9999")
	if e := bytes.IndexAny(n, "eE"); len(n) > most || e >= 0 && len(n)-e > exponent {
		return 0, ErrRange
	}
	f, _, err := big.ParseFloat(string(n), 10, 320, big.ToNearestEven)
	switch {
	case err != nil:
		return 0, ErrRange
	case !f.IsInt():
		return 0, ErrNotWhole
	}
	i, accuracy := f.Int64()
	if accuracy != big.Exact {
		return 0, ErrRange
	}
	return i, nil
}

// digits is the fast path of Int64: an optional minus and up to 18 digits.
func digits(n []byte) (i int64, ok bool) {
	d := bytes.TrimPrefix(n, []byte("-"))
	if len(d) == 0 || len(d) > 18 {
		return 0, false
	}
	for _, c := range d {
		if c < '0' || c > '9' {
			return 0, false
		}
		i = i*10 + int64(c-'0')
	}
	if len(d) < len(n) {
		i = -i
	}
	return i, true
}

// Float64 returns the number nearest to n, which must be finite. An absent
// number is ErrNotNumber.
func (n Number) Float64() (float64, error) {
	for _, c := range n { // strconv takes more, such as NaN and hexadecimal
		if (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E' {
			return 0, ErrNotNumber
		}
	}
	f, err := strconv.ParseFloat(string(n), 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, ErrRange
	case err != nil:
		return 0, ErrNotNumber
	}
	return f, nil
}

// decimal reports whether n is a decimal number: JSON's grammar plus what
// people type, a leading plus, leading zeros, a bare point.
func decimal(n Number) bool {
	_, err := n.Float64()
	return err != ErrNotNumber
}

// A Bool is a yes or no, if one was sent.
type Bool int8

// What a Bool says.
const (
	Unsent Bool = iota // none, or null
	No
	Yes
)

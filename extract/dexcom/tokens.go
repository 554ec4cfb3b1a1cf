package dexcom

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

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
			_, err = r.json.ReadValue()
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

package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// A filter says whether to leave a member out of an object.
type filter func(name []byte, value jsontext.Value) bool

func verbatim([]byte, jsontext.Value) bool { return false }

// nulls leaves out what is the same as absent.
func nulls(_ []byte, value jsontext.Value) bool { return value.Kind() == 'n' }

// canonical returns valid JSON in one spelling: members sorted by name, no
// blanks, strings with as few escapes as may be. Numbers stay as sent, because
// another spelling may lose digits; so do duplicate names, in their order.
func canonical(v jsontext.Value, leaveOut filter) jsontext.Value {
	d := jsontext.NewDecoder(bytes.NewBuffer(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return appendCanonical(nil, d, leaveOut)
}

func appendCanonical(dst []byte, d *jsontext.Decoder, leaveOut filter) []byte {
	switch d.PeekKind() {
	case '{':
		return appendMembers(dst, readMembers(d, leaveOut))
	case '[':
		return appendElements(dst, d, leaveOut)
	case '"':
		token, _ := d.ReadToken()
		return appendQuoted(dst, token.String())
	default: // a number, true, false, null
		value, _ := d.ReadValue()
		return append(dst, value...)
	}
}

func appendElements(dst []byte, d *jsontext.Decoder, leaveOut filter) []byte {
	dst = append(dst, '[')
	d.ReadToken()
	for first := true; d.PeekKind() > 0 && d.PeekKind() != ']'; first = false {
		if !first {
			dst = append(dst, ',')
		}
		dst = appendCanonical(dst, d, leaveOut)
	}
	d.ReadToken()
	return append(dst, ']')
}

// A member is a member of an object, its value in canonical JSON.
type member struct {
	name  string
	value jsontext.Value
}

func readMembers(d *jsontext.Decoder, leaveOut filter) []member {
	var members []member
	d.ReadToken()
	for d.PeekKind() == '"' {
		token, _ := d.ReadToken()
		m := member{name: token.String()}
		m.value = appendCanonical(nil, d, leaveOut)
		if !leaveOut([]byte(m.name), m.value) {
			members = append(members, m)
		}
	}
	d.ReadToken()
	return members
}

// appendMembers appends members, which it sorts, as an object.
func appendMembers(dst []byte, members []member) []byte {
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.name), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}

// appendQuoted appends text as a JSON string. Its error is about broken UTF-8,
// which it replaces; package dexcom has refused that before.
func appendQuoted[T ~string | ~[]byte](dst []byte, text T) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}

// digest is the SHA-256 of parts in hex. The length of each goes in, too, so
// that no two lists of parts look alike.
func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

package raw

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Record ids are the half of what is left when repetitions are gone: random,
// and spelt as text they cost a fifth more than they must. So they stand in front
// of a span's content as 16 bytes each, and in it is idMark in their place.

const (
	idMark = 0 // is in no JSON
	idLen  = 36
)

// takeIDs returns content as it is compressed: uvarint number of ids, the ids,
// the rest. Content that has idMark in it keeps its ids, and their number is 0.
func takeIDs(content []byte) []byte {
	var ids []byte
	rest := make([]byte, 0, len(content))
	if bytes.IndexByte(content, idMark) < 0 {
		var at int
		for next := nextID(content, 0); next >= 0; next = nextID(content, at) {
			rest = append(append(rest, content[at:next]...), idMark)
			ids, at = appendID(ids, content[next:next+idLen]), next+idLen
		}
		content = content[at:]
	}
	b := binary.AppendUvarint(nil, uint64(len(ids)/16))
	return append(append(append(b, ids...), rest...), content...)
}

// nextID returns where the first id at or after from begins, or -1.
func nextID(b []byte, from int) int {
	for dash := from + 8; dash < len(b); dash++ {
		next := bytes.IndexByte(b[dash:], '-')
		if next < 0 {
			return -1
		}
		if dash += next; isID(b[dash-8:]) {
			return dash - 8
		}
	}
	return -1
}

// isID reports whether b begins with an id: eight, four, four, four and twelve
// lower-case hexadecimal digits with dashes between.
func isID(b []byte) bool {
	if len(b) < idLen {
		return false
	}
	for i, c := range b[:idLen] {
		switch dash := i == 8 || i == 13 || i == 18 || i == 23; {
		case dash != (c == '-'):
			return false
		case !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

func appendID(ids, text []byte) []byte {
	var id [16]byte
	digits := bytes.ReplaceAll(text, []byte("-"), nil)
	if _, err := hex.Decode(id[:], digits); err != nil {
		panic(err) // isID has looked at every digit
	}
	return append(ids, id[:]...)
}

// putIDs undoes takeIDs; content has length bytes.
func putIDs(b []byte, length int64) ([]byte, error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k)/16 || length > maxPlain {
		return nil, errors.New("its ids do not fit")
	}
	ids, rest := b[k:k+16*int(n)], b[k+16*int(n):]
	content := make([]byte, 0, length)
	for ; len(ids) > 0; ids = ids[16:] {
		at := bytes.IndexByte(rest, idMark)
		if at < 0 || int64(len(content)+at+idLen) > length {
			return nil, errors.New("its ids do not fit")
		}
		content = append(content, rest[:at]...)
		for i, part := range [][]byte{ids[:4], ids[4:6], ids[6:8], ids[8:10], ids[10:16]} {
			if i > 0 {
				content = append(content, '-')
			}
			content = hex.AppendEncode(content, part)
		}
		rest = rest[at+1:]
	}
	if int64(len(content)+len(rest)) != length {
		return nil, errors.New("its length differs")
	}
	return append(content, rest...), nil
}

package dexcom

import (
	"encoding/binary"
	"math/bits"

	"github.com/go-json-experiment/json/jsontext"
)

// An ahead reads what nearly all of an answer is made of, some times faster than a
// decoder: punctuation, numbers without an exponent, texts without an escape, true,
// false and null. It takes nothing that the decoder would not take as the same. All
// else it leaves alone: the decoder catches up first, so that it sees the body
// whole and what is wrong with it is said by the decoder alone.
type ahead struct {
	body  []byte // the body
	at    int    // of the next token, behind the comma or colon in front of it; len(body): unknown
	last  int    // end of the token that was read last
	ascii bool   // the scalar that was read last is ASCII

	// Whole records, read already, lie in here, from the first one to the last one.
	recordsFrom, recordsTo int
}

// passed says that everything up to end is read.
func (a *ahead) passed(end int) {
	a.last = end
	a.to(end)
}

// to moves to the next token, which is at i or behind blanks.
func (a *ahead) to(i int) {
	for i < len(a.body) && a.body[i] <= ' ' && blank(a.body[i]) {
		i++
	}
	a.at = min(i, len(a.body))
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// lost says that the decoder has to read the next token.
func (a *ahead) lost() { a.at = len(a.body) }

// is reports whether the next token begins with c. If not, it may still do.
func (a *ahead) is(c byte) bool { return a.at < len(a.body) && a.body[a.at] == c }

// more reports whether what end closes goes on, behind a comma unless what goes on
// is the first there, and whether that is sure.
func (a *ahead) more(end byte, first bool) (more, sure bool) {
	switch {
	case a.is(end):
		return false, true
	case a.at == len(a.body):
		return false, false
	case first:
		return true, true
	case a.is(','):
		a.to(a.at + 1)
		return true, true
	}
	return false, false
}

// scan reads the next token if it is a plain one, else it is nil.
func (a *ahead) scan() jsontext.Value {
	rest := a.body[a.at:]
	if len(rest) == 0 {
		return nil
	}
	n := 0
	switch rest[0] {
	case '"':
		n, a.ascii = textLen(rest)
	case 'n':
		n = wordLen(rest, "null")
	case 't':
		n = wordLen(rest, "true")
	case 'f':
		n = wordLen(rest, "false")
	default:
		n = numberLen(rest)
	}
	if n == 0 {
		return nil
	}
	a.passed(a.at + n)
	return rest[:n:n]
}

// named reads the next token and the colon behind it if it is that name.
func (a *ahead) named(name string) bool {
	from := a.at + 1
	end := from + len(name)
	if end+1 >= len(a.body) || a.body[from-1] != '"' || string(a.body[from:end]) != name || a.body[end] != '"' || a.body[end+1] != ':' {
		return false
	}
	a.last = end + 1
	a.to(end + 2)
	return true
}

func wordLen(b []byte, word string) int {
	if len(b) > len(word) && string(b[:len(word)]) == word {
		return len(word)
	}
	return 0
}

// textLen is the length of the string at the head of b, and whether it is ASCII; 0
// if it has escapes or an end that is not in sight.
func textLen(b []byte) (n int, ascii bool) {
	const each, top = 0x0101010101010101, 0x8080808080808080
	i, all := 1, uint64(0)
	for ; i+8 <= len(b); i += 8 {
		// The lowest top bit that is set is that of the first byte that is looked for.
		w := binary.LittleEndian.Uint64(b[i:])
		quote, escape := w^each*'"', w^each*'\\'
		found := ((quote-each)&^quote | (escape-each)&^escape | (w-each*' ')&^w) & top
		if all |= w; found != 0 {
			i += bits.TrailingZeros64(found) / 8
			break
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, all&top == 0
		case c == '\\' || c < ' ':
			return 0, false
		default:
			all |= uint64(c)
		}
	}
	return 0, false
}

// numberLen is the length of the number at the head of b; 0 if there is none, or
// one with an exponent.
func numberLen(b []byte) int {
	i := 0
	if b[0] == '-' {
		i++
	}
	whole := digitsLen(b[i:])
	if whole == 0 || whole > 1 && b[i] == '0' {
		return 0
	}
	if i += whole; i < len(b) && b[i] == '.' {
		decimals := digitsLen(b[i+1:])
		if decimals == 0 {
			return 0
		}
		i += 1 + decimals
	}
	if i == len(b) || b[i] == 'e' || b[i] == 'E' {
		return 0
	}
	return i
}

func digitsLen(b []byte) (n int) {
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

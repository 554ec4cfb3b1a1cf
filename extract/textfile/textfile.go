// Package textfile reads text files as people have them: in UTF-8 or UTF-16, with any
// line ends, perhaps compressed. A file that is no text is named as what it is.
package textfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

const bom = "\ufeff"

// A NotTextError says what a file is that is no text.
type NotTextError struct{ What string } // such as an Excel workbook

func (e *NotTextError) Error() string { return e.What + ", not text" }

// New is the text of a file as UTF-8 without a byte order mark, its lines ended by LF.
// A file that is no text at all is a *NotTextError.
func New(from io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(from, 64<<10)
	head, err := peek(in)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(unzipped, 64<<10)
		if head, err = peek(in); err != nil {
			return nil, err
		}
	}
	if what := magic(head); what != "" {
		return nil, &NotTextError{what}
	}
	var utf8Text io.Reader = in
	if order := utf16Order(head); order != nil {
		utf8Text = &fromUTF16{in: in, order: order}
	}
	marked := bufio.NewReaderSize(utf8Text, 64<<10)
	if mark, _ := marked.Peek(len(bom)); string(mark) == bom {
		marked.Discard(len(bom))
	}
	return &unixLines{in: marked}, nil
}

// peek returns what the file begins with, at most 64 bytes of it.
func peek(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(64)
	if err == io.EOF || len(head) > 0 {
		err = nil // if there is more than the end, it shows behind the text
	}
	return head, err
}

// magic says what a file is that is no text, "" for text.
func magic(head []byte) string {
	for start, what := range map[string]string{
		"PK\x03\x04": "an Excel workbook or a zip archive", "\xd0\xcf\x11\xe0": "an old Excel workbook",
		"PAR1": "a Parquet file", "age-encryption.org/": "a sealed file (age)", "-----BEGIN AGE": "a sealed file (age)", "%PDF": "a PDF", "\x28\xb5\x2f\xfd": "a zstd archive",
	} {
		if bytes.HasPrefix(head, []byte(start)) {
			return what
		}
	}
	return ""
}

// utf16Order is the byte order of a text in UTF-16, nil for other texts. A
// header of at least four Latin letters has every other byte zero, and UTF-8 has
// no zero bytes.
func utf16Order(head []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return binary.LittleEndian
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return binary.BigEndian
	case len(head) < 8:
		return nil
	}
	zeros := [2]int{}
	for i, b := range head[:8] {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch zeros {
	case [2]int{0, 4}:
		return binary.LittleEndian
	case [2]int{4, 0}:
		return binary.BigEndian
	}
	return nil
}

// fromUTF16 reads UTF-16 as UTF-8. Half a character becomes a byte that is no
// UTF-8, so that it is found where it stands.
type fromUTF16 struct {
	in    *bufio.Reader
	order binary.ByteOrder
	rest  []byte // UTF-8 that did not fit
}

const broken = 0xff

// Read implements io.Reader.
func (u *fromUTF16) Read(p []byte) (n int, err error) {
	for len(u.rest) < min(len(p), 4096) && err == nil {
		var r rune
		if r, err = u.rune(); err == nil && r < 0 {
			u.rest = append(u.rest, broken)
		} else if err == nil {
			u.rest = utf8.AppendRune(u.rest, r)
		}
	}
	n = copy(p, u.rest)
	u.rest = u.rest[:copy(u.rest, u.rest[n:])]
	if n > 0 {
		err = nil
	}
	return n, err
}

// rune returns the next character, -1 for half of one.
func (u *fromUTF16) rune() (rune, error) {
	first, err := u.unit()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if second, _ := u.in.Peek(2); len(second) == 2 {
		if r := utf16.DecodeRune(first, rune(u.order.Uint16(second))); r != utf8.RuneError {
			u.in.Discard(2)
			return r, nil
		}
	}
	return -1, nil
}

// unit returns two bytes, -1 for a single one at the end.
func (u *fromUTF16) unit() (rune, error) {
	var two [2]byte
	switch _, err := io.ReadFull(u.in, two[:]); err {
	case nil:
		return rune(u.order.Uint16(two[:])), nil
	case io.ErrUnexpectedEOF:
		return -1, nil
	default:
		return 0, err
	}
}

// unixLines reads text with its line ends CR LF and CR as LF.
type unixLines struct {
	in      io.Reader
	afterCR bool // the last byte was a CR, so that an LF belongs to it
}

// Read implements io.Reader.
func (l *unixLines) Read(p []byte) (int, error) {
	for {
		n, err := l.in.Read(p)
		if n == 0 {
			return 0, err
		}
		if n = l.convert(p[:n]); n > 0 || err != nil {
			return n, err
		}
	}
}

// convert rewrites p in place and returns its new length.
func (l *unixLines) convert(p []byte) (n int) {
	if !l.afterCR && bytes.IndexByte(p, '\r') < 0 {
		return len(p)
	}
	for _, b := range p {
		if b == '\n' && l.afterCR {
			l.afterCR = false
			continue
		}
		if l.afterCR = b == '\r'; l.afterCR {
			b = '\n'
		}
		p[n] = b
		n++
	}
	return n
}

package cgmfile

import (
	"bufio"
	"bytes"
	"io"
)

const longestLine = 1 << 20

// lines hands out the lines of a text.
type lines struct {
	in    *bufio.Reader // its buffer holds the longest line
	n     int           // number of the line last read, from 1
	ended bool          // the line last read ended in LF
}

func newLines(text io.Reader) *lines { return &lines{in: bufio.NewReaderSize(text, longestLine)} }

// next returns the next line without its end. It is valid until the next call;
// nil is a line that is too long. The end of the text is io.EOF.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if err == io.EOF && len(line) == 0 {
		return nil, io.EOF
	}
	l.n++
	l.ended = err == nil
	switch err {
	case nil:
		return line[:len(line)-1], nil
	case io.EOF:
		return line, nil
	case bufio.ErrBufferFull:
		return nil, l.skip()
	}
	return nil, err
}

// skip leaves out the rest of a line.
func (l *lines) skip() error {
	err := bufio.ErrBufferFull
	for err == bufio.ErrBufferFull {
		_, err = l.in.ReadSlice('\n')
	}
	l.ended = err == nil
	if err == io.EOF {
		return nil
	}
	return err
}

func longLine(line int) Problem {
	return Problem{Line: line, Kind: LongLine, Right: "a line for each reading"}
}

// closing looks ahead for the quote that closes a cell, without reading. It
// returns the text up to the end of the quote's line, and how much of it stands
// before the quote; nil if there is no such quote near.
func (l *lines) closing() (text []byte, before int) {
	const near = 64 << 10
	ahead, _ := l.in.Peek(near)
	before = closingQuote(ahead)
	if before < 0 {
		return nil, 0
	}
	if end := bytes.IndexByte(ahead[before:], '\n'); end >= 0 {
		return ahead[:before+end+1], before
	}
	if len(ahead) < near {
		return ahead, before // the file ends there
	}
	return nil, 0
}

// closingQuote is the place of the first quote in text that is not doubled, -1
// for none.
func closingQuote(text []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '"')
		if i < 0 {
			return -1
		}
		at += i
		if at+1 == len(text) || text[at+1] != '"' {
			return at
		}
		at += 2
	}
}

package cgmfile

import (
	"bytes"
	"slices"
)

// A record is one line of a file, or several where a quoted cell has line breaks.
type record struct {
	line  int      // of its beginning
	cells [][]byte // without quotes and blanks around; valid until the next record
	raw   []byte   // as written, without the end of the line
	cut   bool     // it is the last line and has no end
}

// A records takes the lines of a file apart.
type records struct {
	lines     *lines
	separator byte
	// looksLikeRow reports whether cells are a row of the file. A quoted cell
	// with such lines in it is one whose quote was never closed.
	looksLikeRow func(cells [][]byte) bool

	now     record
	scratch []byte // the text of a record of several lines
	plain   []byte // of cells with doubled quotes
}

// next returns the next record with anything in its cells, or a problem with
// it. The end of the text is io.EOF.
func (r *records) next() (*record, *Problem, error) {
	for {
		line, err := r.lines.next()
		if err != nil {
			return nil, nil, err
		}
		r.now.line, r.now.raw, r.now.cut = r.lines.n, line, !r.lines.ended
		if line == nil {
			return &r.now, new(longLine(r.now.line)), nil
		}
		if problem := r.split(); problem != nil {
			return &r.now, problem, nil
		}
		if slices.ContainsFunc(r.now.cells, func(cell []byte) bool { return len(cell) > 0 }) {
			return &r.now, nil, nil
		}
	}
}

// split fills the cells from the raw line, and takes in further lines where a
// quoted cell has line breaks.
func (r *records) split() *Problem {
	r.now.cells, r.plain = r.now.cells[:0], r.plain[:0]
	if bytes.IndexByte(r.now.raw, '"') < 0 {
		r.now.cells = splitPlain(r.now.cells, r.now.raw, r.separator)
		return nil
	}
	for {
		cells, problem := r.splitQuoted(r.now.cells[:0], r.now.raw)
		r.now.cells = cells
		if problem == nil || problem.Kind != OpenQuote || !r.takeIn() {
			return problem
		}
	}
}

func splitPlain(cells [][]byte, line []byte, separator byte) [][]byte {
	for {
		i := bytes.IndexByte(line, separator)
		if i < 0 {
			return append(cells, trim(line))
		}
		cells = append(cells, trim(line[:i]))
		line = line[i+1:]
	}
}

// trim takes blanks off; most cells have none.
func trim(cell []byte) []byte {
	if n := len(cell); n > 0 && printable(cell[0]) && printable(cell[n-1]) {
		return cell
	}
	return bytes.TrimSpace(cell)
}

func printable(b byte) bool { return b > ' ' && b < 0x7f }

// splitQuoted is splitPlain for a line with quotes.
func (r *records) splitQuoted(cells [][]byte, line []byte) ([][]byte, *Problem) {
	for {
		cell, rest, more, kind := r.cell(line)
		cells = append(cells, trim(cell))
		if kind != "" {
			return cells, &Problem{
				Line: r.now.line, Column: len(cells), Kind: kind, Found: quoted(line),
				Right: `a quote at both ends of the cell, and "" for one inside it`,
			}
		}
		if !more {
			return cells, nil
		}
		line = rest
	}
}

// cell takes the first cell off line. More is false for the last one; a kind is
// what is wrong with its quotes.
func (r *records) cell(line []byte) (cell, rest []byte, more bool, wrong Kind) {
	start := bytes.TrimLeft(line, " ")
	if len(start) == 0 || start[0] != '"' {
		cell, rest, more = bytes.Cut(line, []byte{r.separator})
		if bytes.IndexByte(cell, '"') >= 0 {
			return cell, rest, more, StrayQuote
		}
		return cell, rest, more, ""
	}
	start = start[1:]
	end := closingQuote(start)
	if end < 0 {
		return start, nil, false, OpenQuote
	}
	after := bytes.TrimLeft(start[end+1:], " ")
	if len(after) > 0 && after[0] != r.separator {
		return start[:end], nil, false, StrayQuote
	}
	cell = r.unquote(start[:end])
	if len(after) == 0 {
		return cell, nil, false, ""
	}
	return cell, after[1:], true, ""
}

// unquote makes one quote of two.
func (r *records) unquote(cell []byte) []byte {
	if bytes.IndexByte(cell, '"') < 0 {
		return cell
	}
	from := len(r.plain)
	for {
		i := bytes.IndexByte(cell, '"')
		if i < 0 {
			r.plain = append(r.plain, cell...)
			return r.plain[from:]
		}
		r.plain = append(r.plain, cell[:i+1]...)
		cell = cell[i+2:]
	}
}

// takeIn makes the lines up to the one with the closing quote part of the
// record. It reports whether they are: no line among them is a row by itself.
func (r *records) takeIn() bool {
	r.scratch = append(r.scratch[:0], r.now.raw...)
	r.now.raw = r.scratch
	more, inside := r.lines.closing()
	if more == nil || len(r.scratch)+len(more) > longestLine {
		return false
	}
	for line := range bytes.Lines(more[:inside]) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if r.looksLikeRow(splitPlain(nil, line, r.separator)) {
			return false
		}
	}
	r.scratch = append(append(r.scratch, '\n'), more...)
	r.lines.in.Discard(len(more))
	r.lines.n += bytes.Count(more, []byte{'\n'})
	if r.lines.ended = bytes.HasSuffix(more, []byte{'\n'}); r.lines.ended {
		r.scratch = r.scratch[:len(r.scratch)-1]
	} else {
		r.lines.n++
	}
	r.now.raw, r.now.cut = r.scratch, !r.lines.ended
	return true
}

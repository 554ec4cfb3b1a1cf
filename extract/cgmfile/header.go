package cgmfile

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A header says where in a row the three columns are.
type header struct {
	line      int
	separator byte
	names     []string // of all columns, as written
	id        int
	time      int
	glucose   int
}

// sniffed is how many lines may stand above a header for it to be found and
// told of.
const sniffed = 30

// readHeader reads lines up to the header. One that is not the first line of the
// file, or does not have the three columns, is an error.
func (f Format) readHeader(l *lines) (header, error) {
	var first *header
	var firstLine string
	for range sniffed {
		line, err := l.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return header{}, err
		}
		if line == nil {
			return header{}, one(longLine(l.n))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		h, found := f.parseHeader(l.n, line)
		switch {
		case found && first == nil:
			return h, h.check(line, f.Columns.names())
		case found:
			return h, one(Problem{
				Line: first.line, Kind: LineBeforeHeader, Found: quoted([]byte(firstLine)),
				Right: fmt.Sprintf("a file that begins with its header, which is line %d", h.line),
			})
		case h.program() != "":
			return h, &ExportError{Program: h.program(), Line: h.line}
		case first == nil:
			first, firstLine = &h, string(line)
		}
	}
	if first == nil {
		return header{}, one(Problem{Line: 1, Kind: EmptyFile, Right: "a header " + f.right() + " and a row for each reading"})
	}
	return *first, f.missing(*first, firstLine)
}

// right is the header of a file in this format.
func (f Format) right() string {
	names := f.Columns.names()
	return strings.Join(names[:], ",")
}

// parseHeader takes line for a header, with the separator by which it has the
// three columns, else with the one that makes most cells.
func (f Format) parseHeader(number int, line []byte) (best header, found bool) {
	for _, separator := range []byte(",;\t") {
		r := records{separator: separator}
		cells, problem := r.splitQuoted(nil, line)
		if problem != nil {
			continue
		}
		h := header{line: number, separator: separator}
		for _, c := range cells {
			h.names = append(h.names, string(c))
		}
		for n := len(h.names); n > 0 && h.names[n-1] == ""; n-- {
			h.names = h.names[:n-1]
		}
		names := f.Columns.names()
		h.id, h.time, h.glucose = h.place(names[0]), h.place(names[1]), h.place(names[2])
		if min(h.id, h.time, h.glucose) >= 0 {
			return h, true
		}
		if best.separator == 0 || len(h.names) > len(best.names) {
			best = h
		}
	}
	best.line = number
	return best, false
}

func (h *header) place(name string) int {
	return slices.IndexFunc(h.names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(name)) })
}

// check looks for what makes a header with the three columns ambiguous or
// unreadable.
func (h *header) check(line []byte, names [3]string) error {
	if !utf8.Valid(line) {
		return one(Problem{Line: h.line, Kind: NotUTF8, Found: quoted(line), Right: saveAsUTF8})
	}
	for _, name := range names {
		first := h.place(name)
		for i := first + 1; i < len(h.names); i++ {
			if strings.EqualFold(h.names[i], h.names[first]) {
				return one(Problem{Line: h.line, Column: i + 1, Kind: DoubleColumn, Found: quoted([]byte(h.names[i])), Right: "one column of that name"})
			}
		}
	}
	return nil
}

// program is whose export a header is of, "" for others. The header of Clarity
// shows how its times are written, in every language.
func (h *header) program() string {
	has := func(part string) bool {
		return slices.ContainsFunc(h.names, func(n string) bool { return strings.Contains(strings.ToLower(n), part) })
	}
	switch {
	case has("thh:mm:ss)"), has("event type") && has("glucose value ("):
		return "Clarity"
	case has("device timestamp"), has("historic glucose"):
		return "LibreView"
	}
	return ""
}

// missing says which columns the first line of a file lacks.
func (f Format) missing(h header, line string) error {
	if !utf8.ValidString(line) {
		return one(Problem{Line: h.line, Kind: NotUTF8, Found: quoted([]byte(line)), Right: saveAsUTF8})
	}
	if slices.ContainsFunc(h.names, func(n string) bool { _, wrong := parseTime([]byte(n)); return wrong == "" }) {
		return one(Problem{Line: h.line, Kind: NoHeader, Found: quoted([]byte(line)), Right: "a first line " + f.right()})
	}
	var lacks []string
	for _, name := range f.Columns.names() {
		if h.place(name) < 0 {
			lacks = append(lacks, name)
		}
	}
	const shown = 12
	var found []string
	for _, name := range h.names[:min(len(h.names), shown)] {
		found = append(found, quoted([]byte(name)))
	}
	if more := len(h.names) - shown; more > 0 {
		found = append(found, fmt.Sprintf("and %d more", more))
	}
	if len(found) == 0 {
		found = []string{quoted([]byte(line))}
	}
	return one(Problem{
		Line: h.line, Kind: MissingColumn, Found: strings.Join(found, ", "),
		Right: fmt.Sprintf("%s, separated by comma, semicolon or tab, in any order and among others; missing: %s", f.right(), strings.Join(lacks, ", ")),
	})
}

const saveAsUTF8 = "the file saved as CSV UTF-8"

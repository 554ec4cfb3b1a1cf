package cohort

import (
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
)

// A CSVError says everything that is wrong with a study file. Nothing of the
// file was taken.
type CSVError struct {
	File  string
	Lines []LineError // in the order of the file
}

// A LineError is one thing wrong with one line.
type LineError struct {
	Line   int    // from 1, the header's; 0 where there is no file
	Column string // "" when the whole line is at fault
	Value  string // as written; "" when empty or secret
	Reason string
}

const shownLines = 20

// Error names the first 20 lines, each on a line of its own.
func (e *CSVError) Error() string {
	var b strings.Builder
	for i, l := range e.Lines {
		if i == shownLines {
			fmt.Fprintf(&b, "\nand %d more", len(e.Lines)-shownLines)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d: %s", e.File, l.Line, l.Error())
	}
	return b.String()
}

// Error is the message without file and line.
func (e *LineError) Error() string {
	switch {
	case e.Column == "":
		return e.Reason
	case e.Value == "":
		return e.Column + ": " + e.Reason
	default:
		return fmt.Sprintf("%s %q: %s", e.Column, shorten(e.Value), e.Reason)
	}
}

func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// A sheet is a CSV file read whole: a header and rows of trimmed cells.
type sheet struct {
	file    string
	columns []string // canonical names present, in the order of the file
	rows    []sheetRow
	errs    []LineError
	sha256  string // of the file
}

// acts are that the file was imported, with what was counted, and what that
// changed; none if it changed nothing.
func (s *sheet) acts(subject string, counts state.Fields, changes []state.Act) []state.Act {
	if len(changes) == 0 {
		return nil
	}
	counts["file"], counts["sha256"] = s.file, s.sha256
	return append([]state.Act{{Subject: subject, After: counts}}, changes...)
}

type sheetRow struct {
	line  int
	cells map[string]string // by canonical column; every column of the header is there
}

// A layout says which columns a file may have.
type layout struct {
	kind     Kind
	file     string // name in messages when the reader has none
	columns  []string
	required []string
	aliases  map[string]string // other spelling to canonical
	secret   bool              // no message shows what is in the file
}

// place is where the file has a column; what is about the whole line comes first.
func (s *sheet) place(column string) int { return slices.Index(s.columns, column) }

func (s *sheet) has(column string) bool { return slices.Contains(s.columns, column) }

// bad notes that a cell is wrong.
func (s *sheet) bad(r sheetRow, column, reason string, args ...any) {
	s.errs = append(s.errs, LineError{r.line, column, r.cells[column], fmt.Sprintf(reason, args...)})
}

// err is what is wrong with the file so far, nil for nothing.
func (s *sheet) err() error {
	if len(s.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(s.errs, func(a, b LineError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(s.place(a.Column), s.place(b.Column)))
	})
	return &CSVError{File: s.file, Lines: s.errs}
}

// readSheet reads a whole file in layout l. What it finds wrong is in the
// sheet's errs, so that the caller adds what it knows before giving up; the
// error is for a reader that failed and for a header that makes the rows
// unreadable.
func readSheet(r io.Reader, l layout) (*sheet, error) {
	s := &sheet{file: l.file}
	if f, ok := r.(interface{ Name() string }); ok {
		s.file = filepath.Base(f.Name())
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	sum := sha256.Sum256(text)
	s.sha256 = hex.EncodeToString(sum[:])
	in, err := readerOf(text)
	if err != nil {
		s.errs = append(s.errs, notTable(err))
		return s, s.err()
	}
	header, err := in.Read()
	if err != nil {
		s.errs = append(s.errs, lineError(err, "empty file: a header line is needed"))
		return s, s.err()
	}
	line, _ := in.FieldPos(0)
	s.header(line, trimmed(header), l)
	if len(s.errs) > 0 {
		if kind := kindOf(trimmed(header), l); kind != "" {
			return s, &OtherFileError{File: s.file, Kind: kind, Wanted: l.kind}
		}
		return s, s.err()
	}
	s.body(in)
	return s, nil
}

// header maps the file's columns to those of l and notes what does not fit.
func (s *sheet) header(line int, cells []string, l layout) {
	note := func(column, value, reason string) {
		s.errs = append(s.errs, LineError{line, column, value, reason})
	}
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	for i, cell := range cells {
		name := l.name(cell)
		switch {
		case !slices.Contains(l.columns, name) && l.secret:
			note("", "", fmt.Sprintf("column %d of the header is none of %s", i+1, strings.Join(l.columns, ", ")))
		case !slices.Contains(l.columns, name):
			note("column", cell, "unknown; "+suggestion(name, l.columns))
		case slices.Contains(s.columns, name):
			note("column", cell, "is there twice")
		}
		s.columns = append(s.columns, name)
	}
	for _, name := range l.required {
		if !s.has(name) {
			note("column", name, "is missing")
		}
	}
}

func (s *sheet) body(in *csv.Reader) {
	for {
		cells, err := in.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			s.errs = append(s.errs, lineError(err, ""))
			continue
		}
		line, _ := in.FieldPos(0)
		s.row(line, trimmed(cells))
	}
}

func (s *sheet) row(line int, cells []string) {
	for len(cells) > len(s.columns) && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	r := sheetRow{line: line, cells: map[string]string{}}
	if !slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
		return // a line of commas, as spreadsheets leave them
	}
	if len(cells) != len(s.columns) {
		s.errs = append(s.errs, LineError{Line: line, Reason: fmt.Sprintf("%d fields where the header has %d", len(cells), len(s.columns))})
		return
	}
	for i, c := range cells {
		if reason := unprintable(c); reason != "" {
			s.errs = append(s.errs, LineError{line, s.columns[i], "", reason})
			return
		}
		r.cells[s.columns[i]] = c
	}
	s.rows = append(s.rows, r)
}

func unprintable(cell string) string {
	switch {
	case !utf8.ValidString(cell):
		return "not UTF-8: save the file as CSV UTF-8"
	case strings.ContainsFunc(cell, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "holds a control character or a line break"
	}
	return ""
}

func trimmed(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = strings.TrimSpace(c)
	}
	return out
}

// lineError turns what encoding/csv says into a line of ours.
func lineError(err error, atEOF string) LineError {
	var p *csv.ParseError
	switch {
	case errors.As(err, &p):
		return LineError{Line: p.Line, Reason: p.Err.Error()}
	case err == io.EOF:
		return LineError{Line: 1, Reason: atEOF}
	}
	return LineError{Line: 1, Reason: err.Error()}
}

// suggestion names the known word nearest to word, or all of them when none is near.
func suggestion(word string, known []string) string {
	if near := plain.Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "known are " + strings.Join(known, ", ")
}

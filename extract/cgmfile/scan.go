package cgmfile

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/dexetl/dexetl/extract/textfile"
)

// Readings returns the rows of a file, in the order of the file. After the
// first row that cannot be read no more are returned, and the last pair is an
// error about the whole file: an [*Error], [*ExportError] or [*UnitError], or
// what reading failed with. The memory it takes does not grow with the number
// of rows.
func (f Format) Readings(from io.Reader) iter.Seq2[Reading, error] {
	return func(yield func(Reading, error) bool) {
		s := scan{format: f, people: map[string]*person{}}
		err := s.open(from)
		for err == nil {
			var r Reading
			var ok bool
			if r, ok, err = s.next(); ok && err == nil && len(s.found.Problems) == 0 && !yield(r, nil) {
				return
			}
		}
		if errors.Is(err, io.EOF) {
			err = s.end()
		}
		if err != nil {
			yield(Reading{}, err)
		}
	}
}

// A scan is a file being read.
type scan struct {
	format  Format
	header  header
	lines   *lines
	records records
	rows    int
	people  map[string]*person
	latest  *person // whose row was the last
	units   units   // of all
	found   Error
}

// A person is what a scan keeps of an id.
type person struct {
	id        string
	hasOffset bool // of the first time
	mixed     bool // a time without offset, or with one, was among others
	units     units
}

// mixes reports, once, whether a time is not written as the first one was.
func (p *person) mixes(at instant) bool {
	if p.mixed || at.hasOffset == p.hasOffset {
		return false
	}
	p.mixed = true
	return true
}

func (s *scan) open(from io.Reader) error {
	text, err := textfile.New(from)
	if other, ok := errors.AsType[*textfile.NotTextError](err); ok {
		return one(Problem{Line: 1, Kind: NotText, Found: other.What, Right: "the table saved as CSV UTF-8"})
	}
	if err != nil {
		return readError(1, err)
	}
	s.lines = newLines(text)
	if s.header, err = s.format.readHeader(s.lines); err != nil {
		return readError(s.lines.n, err)
	}
	s.records = records{lines: s.lines, separator: s.header.separator, looksLikeRow: s.looksLikeRow}
	return nil
}

// readError adds the line to an error of the reader below.
func readError(line int, err error) error {
	_, isError := errors.AsType[*Error](err)
	_, isExport := errors.AsType[*ExportError](err)
	if isError || isExport {
		return err
	}
	return fmt.Errorf("line %d: %w", max(1, line), err)
}

// looksLikeRow reports whether cells have a time where the file has it.
func (s *scan) looksLikeRow(cells [][]byte) bool {
	if len(cells) != len(s.header.names) {
		return false
	}
	_, wrong := parseTime(cells[s.header.time])
	return wrong == ""
}

// next reads a row; ok is false if it has a problem. The end is io.EOF.
func (s *scan) next() (r Reading, ok bool, err error) {
	rec, problem, err := s.records.next()
	switch {
	case err == io.EOF:
		return r, false, err
	case err != nil:
		return r, false, readError(s.lines.n, err)
	}
	s.rows++
	if problem != nil {
		s.add(*problem)
		return r, false, nil
	}
	r, ok = s.row(rec)
	return r, ok, nil
}

// add notes a problem.
func (s *scan) add(p Problem) {
	if len(s.found.Problems) == MaxProblems {
		s.found.More++
		return
	}
	if p.Column > 0 && p.Column <= len(s.header.names) {
		p.Name = s.header.names[p.Column-1]
	}
	s.found.Problems = append(s.found.Problems, p)
}

// end says what is wrong with the file as a whole.
func (s *scan) end() error {
	switch {
	case len(s.found.Problems) > 0:
		return &s.found
	case s.rows == 0:
		return one(Problem{Line: s.header.line, Kind: NoRows, Right: "a row for each reading"})
	}
	return s.unitError()
}

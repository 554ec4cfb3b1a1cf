package cgmfile

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// row makes a reading of a record, or notes what is wrong with it.
func (s *scan) row(rec *record) (r Reading, ok bool) {
	if problem := s.whole(rec); problem != nil {
		s.add(*problem)
		return r, false
	}
	h := &s.header
	at, wrongTime := parseTime(rec.cells[h.time])
	if wrongTime != "" && rec.raw[0] == '#' {
		s.add(comment(rec))
		return r, false
	}
	sent, wrongValue := parseValue(rec.cells[h.glucose], h.separator != ',')
	wrongID := badID(rec.cells[h.id])
	var who *person
	if wrongID == "" && wrongTime == "" {
		if who = s.person(rec.cells[h.id], at); who.mixes(at) {
			wrongTime = MixedOffsets
		}
	}
	if wrongID != "" || wrongTime != "" || wrongValue != "" {
		s.addCells(rec, wrongID, wrongTime, wrongValue)
		return r, false
	}
	s.units.count(sent, rec.line)
	who.units.count(sent, rec.line)
	return Reading{who.id, at.hasOffset, Sample{
		Time: at.local - int64(at.offset)*second, Value: s.format.Unit.mgdl(sent), Offset: at.offset,
		Line: int32(min(rec.line, math.MaxInt32)),
	}}, true
}

// whole looks for what makes the cells of a record unreadable, and leaves out
// empty cells beyond the header's.
func (s *scan) whole(rec *record) *Problem {
	text := bytes.IndexByte(rec.raw, 0) < 0 && utf8.Valid(rec.raw)
	for i := 0; i < len(rec.cells) && !text; i++ {
		kind, right := NotUTF8, saveAsUTF8
		if bytes.IndexByte(rec.cells[i], 0) >= 0 {
			kind, right = NulByte, "text; the file may be damaged, or UTF-16 without a byte order mark"
		} else if utf8.Valid(rec.cells[i]) {
			continue
		}
		return &Problem{Line: rec.line, Column: i + 1, Kind: kind, Found: quoted(rec.cells[i]), Right: right}
	}
	want := len(s.header.names)
	for n := len(rec.cells); n > want && len(rec.cells[n-1]) == 0; n-- {
		rec.cells = rec.cells[:n-1]
	}
	switch {
	case len(rec.cells) == want:
		return nil
	case rec.raw[0] == '#':
		return new(comment(rec))
	case rec.cut && len(rec.cells) < want:
		return &Problem{Line: rec.line, Column: len(rec.cells), Kind: CutOff, Found: quoted(rec.raw), Right: "the file copied anew, whole"}
	}
	right := cells(want)
	if len(rec.cells) == want+1 && s.header.separator == ',' {
		right += "; a decimal comma makes two cells of one"
	}
	return &Problem{Line: rec.line, Column: min(len(rec.cells), want) + 1, Kind: Ragged, Found: cells(len(rec.cells)), Right: right}
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

func comment(rec *record) Problem {
	return Problem{Line: rec.line, Kind: Comment, Found: quoted(rec.raw), Right: "a file without comments"}
}

// badID says what is wrong with an id, "" for nothing.
func badID(cell []byte) Kind {
	switch {
	case len(cell) == 0:
		return NoID
	case bytes.ContainsFunc(cell, unicode.IsControl):
		return ControlCharacter
	}
	return ""
}

// person returns what is kept of an id.
func (s *scan) person(id []byte, at instant) *person {
	if s.latest != nil && s.latest.id == string(id) {
		return s.latest
	}
	who := s.people[string(id)]
	if who == nil {
		who = &person{id: string(id), hasOffset: at.hasOffset}
		s.people[who.id] = who
	}
	s.latest = who
	return who
}

// addCells notes what is wrong with the three cells of a row, from left to
// right.
func (s *scan) addCells(rec *record, id, time, value Kind) {
	h := &s.header
	var found []Problem
	note := func(column int, kind Kind, right string) {
		if kind == "" {
			return
		}
		p := Problem{Line: rec.line, Column: column + 1, Kind: kind, Right: right}
		if cell := rec.cells[column]; len(cell) > 0 {
			p.Found = quoted(cell)
		}
		found = append(found, p)
	}
	note(h.id, id, "the name or number of a person in one line")
	note(h.time, time, timeRight(time))
	note(h.glucose, value, s.valueRight(rec.cells[h.glucose], value))
	slices.SortFunc(found, func(a, b Problem) int { return cmp.Compare(a.Column, b.Column) })
	for _, p := range found {
		s.add(p)
	}
}

func timeRight(kind Kind) string {
	if kind == MixedOffsets {
		return "all times of a person with an offset, or all without"
	}
	return "such as 2026-03-01 12:05:00 or 2026-03-01T12:05:00-04:00"
}

// valueRight is what is right in place of a cell that is no value.
func (s *scan) valueRight(cell []byte, kind Kind) string {
	unit := s.format.Unit
	switch {
	case kind == WordForValue && unit == MgdL:
		return "39 for low and 401 for high, as Dexcom counts them, or an empty cell for no value"
	case s.header.separator == ',' && bytes.IndexByte(cell, ',') >= 0:
		return "a decimal point, as the comma separates the cells"
	}
	return fmt.Sprintf("a number in %s, or an empty cell or NA for no value", unit)
}

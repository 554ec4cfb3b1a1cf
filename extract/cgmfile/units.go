package cgmfile

import (
	"math"
	"slices"
)

// units counts the values as sent that look like one unit or the other.
type units struct {
	values    int
	low       int // 1.5 to 33: mmol/L, or codes
	decimal   int // of these, not whole: no code
	high      int // above 33: mg/dL
	firstLow  int // lines
	firstHigh int

	mmol   sighting // 2.0 to 25, not whole: glucose in mmol/L, and hardly a code
	bridge int      // above 25 and below 39: what glucose in mg/dL passes on its way below
	mgdl   sighting // above 33, other than the one before: no code, which repeats itself
	latest float64  // of those above 33
}

// A sighting is values of one kind: how many, and the lines of the first of them.
type sighting struct {
	n     int
	lines [3]int
}

func (s *sighting) add(line int) {
	if s.n < len(s.lines) {
		s.lines[s.n] = line
	}
	s.n++
}

// first are the lines of the first of them.
func (s *sighting) first() []int { return slices.Clone(s.lines[:min(s.n, len(s.lines))]) }

const (
	leastMmol = 1.5
	mostMmol  = 33

	usualLeastMmol, usualMostMmol = 2, 25
	leastSensorMgdL               = 39
)

func (u *units) count(sent float64, line int) {
	switch {
	case math.IsNaN(sent):
		return
	case sent > mostMmol:
		if u.high++; u.high == 1 {
			u.firstHigh = line
		}
	case sent >= leastMmol:
		if u.low++; u.low == 1 {
			u.firstLow = line
		}
		if sent != math.Trunc(sent) {
			u.decimal++
		}
	}
	u.values++
	u.sight(sent, line)
}

// sight counts what can hardly be meant in the other unit.
func (u *units) sight(sent float64, line int) {
	if sent > usualMostMmol && sent < leastSensorMgdL {
		u.bridge++
	}
	if sent >= usualLeastMmol && sent <= usualMostMmol && sent != math.Trunc(sent) {
		u.mmol.add(line)
	}
	if sent > mostMmol && sent != u.latest {
		u.mgdl.add(line)
		u.latest = sent
	}
}

// fewValues of a person say nothing about their unit.
const fewValues = 12

// other returns the error of values of which more than half are in another unit than
// the one given; nil if they are not. Whole numbers below it may be codes: they count as
// mmol/L where whole says so.
func (u *units) other(given Unit, whole bool) *UnitError {
	low := u.decimal
	if whole {
		low = u.low
	}
	switch {
	case given == MgdL && 2*low > u.values:
		return &UnitError{Line: u.firstLow, Looks: MmolL, Values: u.values, Such: u.low}
	case given == MmolL && 2*u.high > u.values:
		return &UnitError{Line: u.firstHigh, Looks: MgdL, Values: u.values, Such: u.high}
	}
	return nil
}

// mixed returns the error of values in both units; nil if they are in one. What looks like
// mmol/L among mg/dL are numbers with decimals that are more than those between them and
// what a sensor can measure: glucose that fell so low, in a simulation, was there on its
// way. What looks like mg/dL among mmol/L are numbers that differ from each other.
func (u *units) mixed(given Unit) *UnitError {
	switch {
	case given == MgdL && u.mmol.n >= fewValues && u.mmol.n > u.bridge && u.high > 0:
		return &UnitError{Line: u.mmol.lines[0], Looks: MmolL, Values: u.values, Such: u.mmol.n, Lines: u.mmol.first(), OtherLine: u.firstHigh}
	case given == MmolL && u.mgdl.n >= fewValues && u.low > 0:
		return &UnitError{Line: u.mgdl.lines[0], Looks: MgdL, Values: u.values, Such: u.high, Lines: u.mgdl.first(), OtherLine: u.firstLow}
	}
	return nil
}

// unitError says that most values of the file, or most of a person, are in the
// other unit, or that a person has both. Of a person, whole numbers may be codes and say
// nothing.
func (s *scan) unitError() error {
	if e := s.units.other(s.format.Unit, true); e != nil {
		return e
	}
	var first *UnitError
	for id, p := range s.people {
		if p.units.values < fewValues {
			continue
		}
		e := p.units.other(s.format.Unit, false)
		if e == nil {
			e = p.units.mixed(s.format.Unit)
		}
		if e != nil && (first == nil || e.Line < first.Line) {
			e.ID, first = id, e
		}
	}
	if first != nil {
		return first
	}
	return nil
}

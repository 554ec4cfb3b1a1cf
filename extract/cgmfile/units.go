package cgmfile

import "math"

// units counts the values as sent that look like one unit or the other.
type units struct {
	values    int
	low       int // 1.5 to 33: mmol/L, or codes
	decimal   int // of these, not whole: no code
	high      int // above 33: mg/dL
	firstLow  int // lines
	firstHigh int
}

const (
	leastMmol = 1.5
	mostMmol  = 33
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

// unitError says that most values of the file, or most of a person, are in the
// other unit. Of a person, whole numbers may be codes and say nothing.
func (s *scan) unitError() error {
	if e := s.units.other(s.format.Unit, true); e != nil {
		return e
	}
	var first *UnitError
	for id, p := range s.people {
		if p.units.values < fewValues {
			continue
		}
		if e := p.units.other(s.format.Unit, false); e != nil && (first == nil || e.Line < first.Line) {
			e.ID, first = id, e
		}
	}
	if first != nil {
		return first
	}
	return nil
}

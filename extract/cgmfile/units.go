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

// person values below this say nothing about their unit.
const fewValues = 12

// unitError says that most values of the file, or most of a person, are in the
// other unit. Of a person, whole numbers may be codes and say nothing.
func (s *scan) unitError() error {
	u := &s.units
	if s.format.Unit == MgdL {
		if 2*u.low > u.values {
			return &UnitError{Line: u.firstLow, Looks: MmolL, Values: u.values, Such: u.low}
		}
	} else if 2*u.high > u.values {
		return &UnitError{Line: u.firstHigh, Looks: MgdL, Values: u.values, Such: u.high}
	}
	var first *UnitError
	for id, p := range s.people {
		e := p.unitError(s.format.Unit)
		if e != nil && (first == nil || e.Line < first.Line) {
			e.ID = id
			first = e
		}
	}
	if first != nil {
		return first
	}
	return nil
}

func (p *person) unitError(unit Unit) *UnitError {
	u := &p.units
	switch {
	case u.values < fewValues:
		return nil
	case unit == MgdL && 2*u.decimal > u.values:
		return &UnitError{Line: u.firstLow, Looks: MmolL, Values: u.values, Such: u.low}
	case unit == MmolL && 2*u.high > u.values:
		return &UnitError{Line: u.firstHigh, Looks: MgdL, Values: u.values, Such: u.high}
	}
	return nil
}

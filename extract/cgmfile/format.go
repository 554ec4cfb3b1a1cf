package cgmfile

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"strings"
)

// A Format is what the reader of a file has to be told about it. The zero value
// is a file with the columns id, time and gl in mg/dL.
type Format struct {
	Columns Columns
	Unit    Unit
}

// Columns are the names of the three columns in a file's header. An empty name
// is the usual one: id, time, gl.
type Columns struct{ ID, Time, Glucose string }

// ParseColumns reads names written as id=NAME,time=NAME,gl=NAME, in any order;
// what is left out has its usual name. A part with a comma in it is quoted as
// in CSV.
func ParseColumns(text string) (Columns, error) {
	var c Columns
	places := map[string]*string{"id": &c.ID, "time": &c.Time, "gl": &c.Glucose}
	parts, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return Columns{}, fmt.Errorf("columns %q: %w", text, err)
	}
	for _, part := range parts {
		key, name, _ := strings.Cut(part, "=")
		key, name = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(name)
		place := places[key]
		switch {
		case place == nil:
			return Columns{}, fmt.Errorf("columns %q: %q is none of id=, time=, gl=", text, strings.TrimSpace(part))
		case name == "":
			return Columns{}, fmt.Errorf("columns %q: %s= has no name", text, key)
		case *place != "":
			return Columns{}, fmt.Errorf("columns %q: %s= is there twice", text, key)
		}
		*place = name
	}
	return c, nil
}

// names are the names to look for: those of id, time and gl.
func (c Columns) names() [3]string {
	return [3]string{cmp.Or(c.ID, "id"), cmp.Or(c.Time, "time"), cmp.Or(c.Glucose, "gl")}
}

// A Unit is what the values of a file are written in.
type Unit uint8

// Units.
const (
	MgdL Unit = iota
	MmolL
)

// ParseUnit reads mg/dL or mmol/L in whatever letter case.
func ParseUnit(text string) (Unit, error) {
	for _, u := range []Unit{MgdL, MmolL} {
		if strings.EqualFold(strings.TrimSpace(text), u.String()) {
			return u, nil
		}
	}
	return MgdL, fmt.Errorf("unit %q: mg/dL or mmol/L", text)
}

// String is the unit as it is written.
func (u Unit) String() string {
	if u == MmolL {
		return "mmol/L"
	}
	return "mg/dL"
}

// mgdlPerMmol converts glucose, whose molar mass is 180.1559 g/mol.
const mgdlPerMmol = 18.01559

// mgdl is a value of the unit in mg/dL. What comes from mmol/L is rounded to
// whole mg/dL, as a value of the API is: 10.0 mmol/L is 180 and so still in
// range, as in the consensus, whose bounds of 3.0, 3.9, 10.0 and 13.9 mmol/L are
// 54, 70, 180 and 250.
func (u Unit) mgdl(value float64) float64 {
	if u == MmolL {
		return math.Round(value * mgdlPerMmol)
	}
	return value
}

package figure

import (
	"html/template"
	"strconv"
)

// A Figure is a drawing with the numbers that it draws.
type Figure struct {
	Title string        // what it shows, in a few words
	Note  string        // how it is made; empty: it needs no word
	SVG   template.HTML // with <title> and <desc>
	Data  Table
}

// A Table is text in rows and columns, each row as long as Columns.
type Table struct {
	Name    string // what it is, for those who do not see it; others of its page have other names
	Columns []Column
	Rows    [][]string
}

// Numbers are those that the figure draws, under its name.
func (f Figure) Numbers() Table {
	t := f.Data
	t.Name = "Numbers: " + f.Title
	return t
}

// A Column is one of a table.
type Column struct {
	Name    string
	Numeric bool // aligned to the right
}

// Words and Numbers are columns of text and of numbers.
func Words(names ...string) []Column   { return columns(false, names) }
func Numbers(names ...string) []Column { return columns(true, names) }

func columns(numeric bool, names []string) []Column {
	all := make([]Column, len(names))
	for i, name := range names {
		all[i] = Column{name, numeric}
	}
	return all
}

// coordinate says a length of a drawing with one decimal at most, so that drawings are
// small and the same everywhere.
func coordinate(x float64) string {
	return strconv.FormatFloat(float64(int64(x*10+half(x)))/10, 'f', -1, 64)
}

func half(x float64) float64 {
	if x < 0 {
		return -0.5
	}
	return 0.5
}

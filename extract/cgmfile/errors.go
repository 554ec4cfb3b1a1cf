package cgmfile

import (
	"fmt"
	"strings"
)

// MaxProblems is how many problems an [Error] has at most.
const MaxProblems = 20

// An Error says what is wrong with a file. Nothing of the file counts.
type Error struct {
	Problems []Problem // the first of them, by line and column
	More     int       // how many there are beside these
}

// Error has each problem on a line of its own.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}

// one is an Error of a single problem.
func one(p Problem) *Error { return &Error{Problems: []Problem{p}} }

// A Problem is one thing that is wrong with a file.
type Problem struct {
	Line   int    // from 1
	Column int    // number of the cell in the line, from 1; 0: the line as a whole
	Name   string // of that column in the header; "" where it has none
	Kind   Kind
	Found  string // as written, perhaps shortened; "" where there is nothing
	Right  string // what is right
}

// String is such as: line 7, column gl: "low" is not a number; right: …
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", p.Line)
	switch {
	case p.Name != "":
		fmt.Fprintf(&b, ", column %s", shorten(p.Name))
	case p.Column > 0:
		fmt.Fprintf(&b, ", column %d", p.Column)
	}
	b.WriteString(": ")
	if p.Found != "" {
		b.WriteString(p.Found + " ")
	}
	b.WriteString(string(p.Kind))
	if p.Right != "" {
		b.WriteString("; right: " + p.Right)
	}
	return b.String()
}

// quoted is a cell as a message shows it.
func quoted(cell []byte) string { return fmt.Sprintf("%q", shorten(string(cell))) }

func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// An ExportError says that a file is the export of a manufacturer's program,
// which has other rows and columns than readings by id and time.
type ExportError struct {
	Program string // Clarity or LibreView
	Line    int    // of its header
}

func (e *ExportError) Error() string {
	return fmt.Sprintf("line %d: this is an export of %s, not a file with the columns id, time and gl", e.Line, e.Program)
}

// A UnitError says that values are written in another unit than the one given.
type UnitError struct {
	ID     string // the person, if those of others are in the unit given, or both are the person's; else ""
	Line   int    // of the first such value
	Looks  Unit   // what most of them look like
	Values int    // how many there are in all
	Such   int    // how many look like it

	// Of a person with values in both units:
	Lines     []int // of the first values that look like it; nil: most are in one unit
	OtherLine int   // of the first that looks like the unit given
}

func (e *UnitError) Error() string {
	whose := ""
	if e.ID != "" {
		whose = fmt.Sprintf(" of %q", e.ID)
	}
	return fmt.Sprintf("line %d: %d of %d values%s look like %s", e.Line, e.Such, e.Values, whose, e.Looks)
}

package table

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dexetl/dexetl/extract/plain"
)

// rows write a result one row after the other, in some format; end is called after
// the last one.
type rows interface {
	row(values []any) error
	end() error
}

// newRows begins a result. Kinds are DuckDB's type names, or nil.
func newRows(w io.Writer, f Format, schema string, columns, kinds []string) (rows, error) {
	out := layout{bufio.NewWriterSize(w, 1<<16), columns, kinds}
	switch f {
	case CSV, SafeCSV:
		return newCSV(out, f == SafeCSV)
	case JSON:
		return newJSON(out, schema)
	}
	return &textRows{layout: out}, nil
}

// A layout is what rows of all formats have.
type layout struct {
	to      *bufio.Writer
	columns []string
	kinds   []string
}

func (l layout) kind(column int) string {
	if column < len(l.kinds) {
		return l.kinds[column]
	}
	return ""
}

// csvRows have every value in full; null is an empty field.
type csvRows struct {
	layout
	out  *csv.Writer
	safe bool
}

func newCSV(l layout, safe bool) (*csvRows, error) {
	c := &csvRows{l, csv.NewWriter(l.to), safe}
	names := make([]any, len(l.columns))
	for i, name := range l.columns {
		names[i] = name
	}
	return c, c.row(names)
}

func (c *csvRows) row(values []any) error {
	fields := make([]string, len(values))
	for i, v := range values {
		fields[i] = Full(v, c.kind(i))
		if c.safe && !isNumber(v) {
			fields[i] = inert(fields[i])
		}
	}
	return c.out.Write(fields)
}

func (c *csvRows) end() error {
	c.out.Flush()
	if err := c.out.Error(); err != nil {
		return err
	}
	return c.to.Flush()
}

// formula is where a spreadsheet would begin one: East Asian programs take wide signs
// as well, and where lists are parted by semicolons or tabs, so are the cells.
var formula = regexp.MustCompile("(^|[;\t\r\n])([=+\\-@＝＋－＠])")

// inert is text that no spreadsheet takes for a formula: one quote before it makes
// it text there, whatever follows.
func inert(text string) string {
	text = formula.ReplaceAllString(text, "$1'$2")
	if strings.IndexAny(text, "\t\r\n") == 0 {
		return "'" + text
	}
	return text
}

// jsonRows are an object with the rows as objects.
type jsonRows struct {
	layout
	schema string
	n      int
}

// A SameNameError says that two columns have one name, of which JSON keeps one.
type SameNameError struct{ Column string }

func (e *SameNameError) Error() string {
	return fmt.Sprintf("two columns are called %q, and JSON keeps one: give them names (as …)", e.Column)
}

func newJSON(l layout, schema string) (*jsonRows, error) {
	for i, name := range l.columns {
		if slices.Contains(l.columns[:i], name) {
			return nil, &SameNameError{name}
		}
	}
	_, err := l.to.WriteString("{\n  \"rows\": [")
	return &jsonRows{layout: l, schema: schema}, err
}

func (j *jsonRows) row(values []any) error {
	object := make(map[string]any, len(values))
	for i, v := range values {
		object[j.columns[i]] = Value(v, j.kind(i))
	}
	text, err := JSONText(object, "    ", "  ")
	if err != nil {
		return err
	}
	if j.n++; j.n > 1 {
		j.to.WriteByte(',')
	}
	_, err = fmt.Fprintf(j.to, "\n    %s", text)
	return err
}

func (j *jsonRows) end() error {
	if j.n > 0 {
		j.to.WriteString("\n  ")
	}
	schema, err := JSONText(j.schema, "", "")
	if err != nil {
		return err
	}
	fmt.Fprintf(j.to, "],\n  \"schema\": %s\n}\n", schema)
	return j.to.Flush()
}

// widthsFrom is how many rows say how wide the columns of a table are. Those after
// them are written as they come, and may be wider.
const widthsFrom = 1000

// textRows are aligned for people: numbers right, rounded to what a person reads.
type textRows struct {
	layout
	waiting [][]string // the first rows; nil once they are written
	width   []int      // nil until then
	right   []bool
}

func (t *textRows) row(values []any) error {
	if t.right == nil {
		t.right = make([]bool, len(values))
	}
	line := make([]string, len(values))
	for i, v := range values {
		line[i] = plain.Line(Short(v, t.kind(i)))
		t.right[i] = t.right[i] || t.width == nil && isNumber(v)
	}
	if t.width != nil {
		return t.print(line)
	}
	if t.waiting = append(t.waiting, line); len(t.waiting) < widthsFrom {
		return nil
	}
	return t.begin()
}

// begin writes the names and the rows that wait.
func (t *textRows) begin() error {
	names := make([]string, len(t.columns))
	for i, name := range t.columns {
		names[i] = plain.Line(name)
	}
	t.width = make([]int, len(t.columns))
	if t.right == nil {
		t.right = make([]bool, len(t.columns))
	}
	lines := append([][]string{names}, t.waiting...)
	for _, line := range lines {
		for i, cell := range line {
			t.width[i] = max(t.width[i], utf8.RuneCountInString(cell))
		}
	}
	t.waiting = nil
	for _, line := range lines {
		if err := t.print(line); err != nil {
			return err
		}
	}
	return nil
}

func (t *textRows) print(line []string) error {
	for i, cell := range line {
		line[i] = pad(cell, t.width[i], t.right[i])
	}
	_, err := t.to.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	return err
}

func (t *textRows) end() error {
	if t.width == nil {
		if err := t.begin(); err != nil {
			return err
		}
	}
	return t.to.Flush()
}

func pad(s string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if right {
		return fill + s
	}
	return s + fill
}

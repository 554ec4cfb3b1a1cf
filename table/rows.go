package table

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// rows write a result one row after the other, in some format; end is called after
// the last one.
type rows interface {
	row(values []any) error
	end() error
}

// newRows begins a result. Kinds are DuckDB's type names, or nil.
func newRows(w io.Writer, f Format, schema string, columns, kinds []string, on Screen) (rows, error) {
	out := layout{bufio.NewWriterSize(w, 1<<16), columns, kinds}
	switch f {
	case CSV, SafeCSV:
		return newCSV(out, f == SafeCSV)
	case JSON:
		return newJSON(out, schema)
	}
	return newText(out, on), nil
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

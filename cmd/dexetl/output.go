package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dexetl/dexetl/extract/plain"
)

// A table is a small result for people and programs: a name for its JSON
// schema, column names and rows of plain values.
type table struct {
	schema  string // such as dexetl.status/2
	columns []string
	kinds   []string // DuckDB type names where the rows came from SQL, else nil
	rows    [][]any
}

// readTable drains rows.
func readTable(schema string, from *sql.Rows) (table, error) {
	t := table{schema: schema}
	var err error
	if t.columns, t.kinds, err = columnsOf(from); err == nil {
		err = scanRows(from, len(t.columns), func(row []any) error {
			t.rows = append(t.rows, row)
			return nil
		})
	}
	return t, errors.Join(err, from.Close())
}

// writeRows writes rows while they come. Whether they came to their end, or why not,
// ended knows.
func writeRows(w io.Writer, f format, schema string, from *sql.Rows, ended func() error) error {
	columns, kinds, err := columnsOf(from)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	out, err := newRows(w, f, schema, columns, kinds)
	if err == nil {
		err = scanRows(from, len(columns), out.row)
	}
	if err := errors.Join(err, ended(), from.Close()); err != nil {
		return err
	}
	return out.end()
}

// columnsOf are the names of columns and DuckDB's names of their types.
func columnsOf(from *sql.Rows) (names, kinds []string, err error) {
	if names, err = from.Columns(); err != nil {
		return nil, nil, err
	}
	types, err := from.ColumnTypes()
	for _, t := range types {
		kinds = append(kinds, t.DatabaseTypeName())
	}
	return names, kinds, err
}

func scanRows(from *sql.Rows, columns int, do func([]any) error) error {
	for from.Next() {
		row, pointers := make([]any, columns), make([]any, columns)
		for i := range row {
			pointers[i] = &row[i]
		}
		if err := from.Scan(pointers...); err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return from.Err()
}

// A format is how a table is written.
type format string

const (
	asTable format = "table"
	asCSV   format = "csv"
	asSafe  format = "csv-safe" // CSV without what a spreadsheet would compute
	asJSON  format = "json"
)

func (t table) write(w io.Writer, f format) error {
	out, err := newRows(w, f, t.schema, t.columns, t.kinds)
	if err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := out.row(row); err != nil {
			return err
		}
	}
	return out.end()
}

func (t table) kind(column int) string {
	if column < len(t.kinds) {
		return t.kinds[column]
	}
	return ""
}

// objects are the rows by column name, for JSON.
func (t table) objects() []map[string]any {
	rows := make([]map[string]any, len(t.rows))
	for i, row := range t.rows {
		rows[i] = make(map[string]any, len(row))
		for j, v := range row {
			rows[i][t.columns[j]] = jsonValue(v, t.kind(j))
		}
	}
	return rows
}

// writeJSON writes one indented object that says which schema it follows.
func writeJSON(w io.Writer, schema string, fields map[string]any) error {
	fields["schema"] = schema
	text, err := jsonText(fields, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// jsonText is JSON that a terminal shows and does not obey: of what is in texts,
// it escapes all that is not printed.
func jsonText(v any, prefix, indent string) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetIndent(prefix, indent)
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if !slices.ContainsFunc(text, func(c byte) bool { return c >= 0x7f }) {
		return text, nil // the encoder escapes the others
	}
	var escaped []byte
	for _, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			escaped = utf8.AppendRune(escaped, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped, nil
}

// line writes one line of JSON to standard output.
func (p *program) line(fields map[string]any) {
	if text, err := jsonText(fields, "", ""); err == nil {
		_, _ = p.stdout.Write(append(text, '\n')) // whoever reads it may have left
	}
}

// tell writes a line of a result for people to standard output.
func (p *program) tell(format string, args ...any) error {
	_, err := fmt.Fprintln(p.stdout, plainText(format, args...))
	return err
}

// plainText is fmt.Sprintf with arguments that cannot do anything to a terminal,
// nor begin a line of their own; errors, which may list several things, can.
func plainText(format string, args ...any) string {
	args = slices.Clone(args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = plain.Line(arg)
		case error:
			args[i] = errors.New(notOurs(arg.Error()))
		}
	}
	return plain.Text(fmt.Sprintf(format, args...))
}

// notOurs is text of several lines of which none but the first looks like one that
// dexetl itself begins: a name with a line break in it must not tell people what to
// do next.
func notOurs(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines[1:] {
		if label, _, ok := strings.Cut(strings.TrimSpace(plain.Line(line)), ":"); ok && slices.Contains([]string{"dexetl", "advice", "next"}, label) {
			lines[i+1] = "> " + line
		}
	}
	return strings.Join(lines, "\n")
}

func mapped[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

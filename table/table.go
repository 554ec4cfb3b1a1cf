// Package table writes results for people and programs: aligned text, CSV and JSON, whole
// or row by row as a query brings them.
package table

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A Table is a small result for people and programs: a name for its JSON
// schema, column names and rows of plain values.
type Table struct {
	Schema  string // such as dexetl.status/4
	Columns []string
	Kinds   []string // DuckDB type names where the rows came from SQL, else nil
	Rows    [][]any
	First   []string // the columns that matter most: the last to go where a screen is narrow
	Stories bool     // each row is a story: where a screen is narrow, its columns stand below each other
}

// Read drains rows and closes them.
func Read(schema string, from *sql.Rows) (Table, error) {
	t := Table{Schema: schema}
	var err error
	if t.Columns, t.Kinds, err = columnsOf(from); err == nil {
		err = scanRows(from, len(t.Columns), func(row []any) error {
			t.Rows = append(t.Rows, row)
			return nil
		})
	}
	return t, errors.Join(err, from.Close())
}

// Stream writes rows while they come; text, so that it fits on a screen. Whether they came
// to their end, or why not, ended knows.
func Stream(w io.Writer, f Format, on Screen, schema string, from *sql.Rows, ended func() error) error {
	columns, kinds, err := columnsOf(from)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	on.ends = true // nobody knows which ones matter
	out, err := newRows(w, f, schema, columns, kinds, on)
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

// A Format is how a table is written.
type Format string

// The formats.
const (
	Text    Format = "table"
	CSV     Format = "csv"
	SafeCSV Format = "csv-safe" // CSV without what a spreadsheet would compute
	JSON    Format = "json"
)

// Write writes t, all of it.
func (t Table) Write(w io.Writer, f Format) error { return t.write(w, f, 0) }

// Show writes t as text for a terminal of so many columns, 0 for any: what fits, with the
// columns that matter, and what is missing.
func (t Table) Show(w io.Writer, width int) error { return t.write(w, Text, width) }

func (t Table) write(w io.Writer, f Format, width int) error {
	out, err := newRows(w, f, t.Schema, t.Columns, t.Kinds, Screen{Width: width, First: t.First, stories: t.Stories})
	if err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := out.row(row); err != nil {
			return err
		}
	}
	return out.end()
}

func (t Table) kind(column int) string {
	if column < len(t.Kinds) {
		return t.Kinds[column]
	}
	return ""
}

// Objects are the rows by column name, for JSON.
func (t Table) Objects() []map[string]any {
	rows := make([]map[string]any, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = make(map[string]any, len(row))
		for j, v := range row {
			rows[i][t.Columns[j]] = Value(v, t.kind(j))
		}
	}
	return rows
}

// WriteJSON writes one indented object that says which schema it follows.
func WriteJSON(w io.Writer, schema string, fields map[string]any) error {
	fields["schema"] = schema
	text, err := JSONText(fields, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// JSONText is JSON that a terminal shows and does not obey: of what is in texts,
// it escapes all that is not printed.
func JSONText(v any, prefix, indent string) ([]byte, error) {
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

// Only is t with the columns named, in that order.
func (t Table) Only(names []string) Table {
	narrow := t
	narrow.Columns, narrow.Kinds, narrow.Rows = names, nil, nil
	for _, row := range t.Rows {
		short := make([]any, len(names))
		for i, name := range names {
			short[i] = row[slices.Index(t.Columns, name)]
		}
		narrow.Rows = append(narrow.Rows, short)
	}
	for _, name := range names {
		narrow.Kinds = append(narrow.Kinds, t.kind(slices.Index(t.Columns, name)))
	}
	return narrow
}

package main

import (
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"
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
func readTable(schema string, rows *sql.Rows) (table, error) {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return table{}, err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return table{}, err
	}
	t := table{schema: schema, columns: columns}
	for _, ct := range types {
		t.kinds = append(t.kinds, ct.DatabaseTypeName())
	}
	for rows.Next() {
		row, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			pointers[i] = &row[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			return table{}, err
		}
		t.rows = append(t.rows, row)
	}
	return t, rows.Err()
}

// A format is how a table is written.
type format string

const (
	asTable format = "table"
	asCSV   format = "csv"
	asJSON  format = "json"
)

func (t table) write(w io.Writer, f format) error {
	switch f {
	case asCSV:
		return t.writeCSV(w)
	case asJSON:
		return t.writeJSON(w)
	default:
		return t.writeText(w)
	}
}

func (t table) kind(column int) string {
	if column < len(t.kinds) {
		return t.kinds[column]
	}
	return ""
}

// writeCSV writes every value in full; null is an empty field.
func (t table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.columns); err != nil {
		return err
	}
	for _, row := range t.rows {
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = fullText(v, t.kind(i))
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (t table) writeJSON(w io.Writer) error {
	return writeJSON(w, t.schema, map[string]any{"rows": t.objects()})
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
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(fields)
}

// writeText aligns columns for people: numbers right, rounded to what a
// person reads.
func (t table) writeText(w io.Writer) error {
	cells := [][]string{t.columns}
	right := make([]bool, len(t.columns))
	width := make([]int, len(t.columns))
	for _, row := range t.rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = shortText(v, t.kind(i))
			right[i] = right[i] || isNumber(v)
		}
		cells = append(cells, line)
	}
	for _, line := range cells {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range cells {
		for i, cell := range line {
			line[i] = pad(cell, width[i], right[i])
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(line, "  "), " ")); err != nil {
			return err
		}
	}
	return nil
}

func pad(s string, width int, right bool) string {
	fill := strings.Repeat(" ", width-utf8.RuneCountInString(s))
	if right {
		return fill + s
	}
	return s + fill
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, *big.Int, duckdb.Decimal:
		return true
	}
	return false
}

// shortText is a value as a person wants to see it in a terminal.
func shortText(v any, kind string) string {
	if f, ok := v.(float64); ok && f == math.Trunc(f*1e4)/1e4 {
		return fullText(v, kind)
	} else if ok {
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	if v == nil {
		return "·"
	}
	return fullText(v, kind)
}

// decimal is a number without loss, with an exponent only where people use one, as
// JSON has it.
func decimal(v float64, bits int) string {
	format := byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(v, format, -1, bits)
}

// fullText is a value without loss; null is the empty string.
func fullText(v any, kind string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return decimal(v, 64)
	case float32:
		return decimal(float64(v), 32)
	case time.Time:
		return timeText(v, kind)
	case duckdb.Decimal:
		return v.String()
	case []any, map[string]any, duckdb.Map, duckdb.Interval:
		text, _ := json.Marshal(v)
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

// A moment is a time of ours: to the minute for people, in full in JSON.
type moment struct{ time.Time }

func (m moment) String() string { return m.Format("2006-01-02 15:04") }

func timeText(t time.Time, kind string) string {
	switch kind {
	case "DATE":
		return t.Format("2006-01-02")
	case "TIME":
		return t.Format("15:04:05.999999")
	case "TIMESTAMPTZ", "":
		return t.UTC().Format("2006-01-02 15:04:05.999999Z07:00")
	default:
		return t.Format("2006-01-02 15:04:05.999999")
	}
}

func jsonValue(v any, kind string) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case time.Time:
		return strings.Replace(timeText(v, kind), " ", "T", 1)
	case duckdb.Decimal:
		return json.Number(v.String())
	case *big.Int:
		return json.Number(v.String())
	}
	return v
}

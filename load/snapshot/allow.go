//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// ErrReadOnly says that a statement is not a query. A session runs only single
// statements that read.
var ErrReadOnly = errors.New("only a single query is allowed here (select, from, with, values, describe, show, summarize)")

// ErrNoText says that a statement is not text.
var ErrNoText = errors.New("the statement is not text: it has a NUL character, or is not UTF-8")

// A FunctionError says that a statement calls what only tables and views may not
// need: it changes the session, or reads what is not the snapshot.
type FunctionError struct{ Name string }

func (e *FunctionError) Error() string {
	return fmt.Sprintf("the function %q is not allowed here: a query reads the tables and views of the snapshot", e.Name)
}

// tableFunctions are those that a query may read from: DuckDB has others, which
// write files and logs, change settings, and look into the machine.
func tableFunctions() []string {
	return []string{
		"duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views",
		"generate_series", "histogram", "histogram_values", "icu_calendar_names", "json_each", "json_tree",
		"pg_timezone_names", "pragma_table_info", "pragma_version", "range", "repeat", "repeat_row", "summary", "unnest",
	}
}

// forbidden are the functions outside of from that do more than compute.
func forbidden() []string { return []string{"currval", "nextval", "write_log"} }

// allow refuses what is not one query, or calls what it may not, by what DuckDB's
// own parser makes of it. Nothing is run for that.
func allow(ctx context.Context, conn *duckdb.Conn, statement string) error {
	// At NUL a statement ends for one of DuckDB's interfaces and not for the other.
	if !utf8.ValidString(statement) || strings.ContainsRune(statement, 0) {
		return ErrNoText
	}
	tree, err := parse(ctx, conn, statement)
	if err != nil {
		return err
	}
	if tree.Error && (tree.Type == "parser" || tree.Type == "syntax") {
		return whyNot(conn, statement)
	}
	if tree.Error || len(tree.Statements) != 1 {
		return ErrReadOnly
	}
	return calls(tree.Statements[0])
}

// whyNot is what DuckDB says of what is no statement, with the place where it goes
// wrong.
func whyNot(conn *duckdb.Conn, statement string) error {
	prepared, err := conn.Prepare(statement)
	if err == nil {
		return errors.Join(ErrReadOnly, prepared.Close())
	}
	return err
}

// A syntax is a statement as DuckDB's parser has it.
type syntax struct {
	Error      bool   `json:"error"`
	Type       string `json:"error_type"`
	Statements []any  `json:"statements"`
}

func parse(ctx context.Context, conn *duckdb.Conn, statement string) (syntax, error) {
	var tree syntax
	rows, err := conn.QueryContext(ctx, "select json_serialize_sql($1::varchar)::varchar", []driver.NamedValue{{Ordinal: 1, Value: statement}})
	if err != nil {
		return tree, err
	}
	row := make([]driver.Value, 1)
	if err := errors.Join(rows.Next(row), rows.Close()); err != nil {
		return tree, err
	}
	text, _ := row[0].(string)
	return tree, json.Unmarshal([]byte(text), &tree)
}

// calls looks at every function that a piece of syntax calls.
func calls(node any) error {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			if err := calls(child); err != nil {
				return err
			}
		}
	case map[string]any:
		if function, ok := node["function"].(map[string]any); ok && node["type"] == "TABLE_FUNCTION" {
			if name := called(function); !slices.Contains(tableFunctions(), name) {
				return &FunctionError{name}
			}
		}
		if name := called(node); node["class"] == "FUNCTION" && slices.Contains(forbidden(), name) {
			return &FunctionError{name}
		}
		for _, child := range node {
			if err := calls(child); err != nil {
				return err
			}
		}
	}
	return nil
}

func called(function map[string]any) string {
	name, _ := function["function_name"].(string)
	return strings.ToLower(name)
}

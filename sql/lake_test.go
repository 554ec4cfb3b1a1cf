//go:build linux || darwin

package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	_ "github.com/duckdb/duckdb-go/v2"

	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// openLake returns an in-memory DuckDB with the empty tables of the lake and
// all views. The session's time zone is one that would show in a result that
// depended on it.
func openLake(t testing.TB) *sql.DB {
	t.Helper()
	db := openTables(t)
	exec(t, db, `set timezone = 'Asia/Kathmandu'`)
	for _, statement := range views.Create(views.Views()) {
		exec(t, db, statement)
	}
	return db
}

func createTable(table transform.Table) string {
	var columns []string
	for _, c := range table.Columns {
		columns = append(columns, fmt.Sprintf("%q %s", c.Name, duckType(c.Type)))
	}
	return fmt.Sprintf("create table %q (%s)", table.Name, strings.Join(columns, ", "))
}

func duckType(t arrow.DataType) string {
	switch t.ID() {
	case arrow.TIMESTAMP:
		return "timestamp"
	case arrow.DATE32:
		return "date"
	case arrow.INT16:
		return "smallint"
	case arrow.INT32:
		return "integer"
	case arrow.INT64:
		return "bigint"
	case arrow.FLOAT64:
		return "double"
	case arrow.BOOL:
		return "boolean"
	case arrow.LIST:
		return duckType(t.(*arrow.ListType).Elem()) + "[]"
	default:
		return "varchar"
	}
}

// sumDays fills glucose_days, as a load does.
func sumDays(t testing.TB, db *sql.DB) {
	t.Helper()
	exec(t, db, "delete from glucose_days")
	exec(t, db, "insert into glucose_days by name\n"+views.GlucoseDays())
}

func exec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%.200s: %v", statement, err)
	}
}

// A row is one row of a result by column name.
type row map[string]any

func query(t testing.TB, db *sql.DB, statement string, args ...any) []row {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), statement, args...)
	if err != nil {
		t.Fatalf("%.2000s: %v", statement, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var result []row
	for rows.Next() {
		values := make([]any, len(names))
		pointers := make([]any, len(names))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		r := row{}
		for i, name := range names {
			r[name] = values[i]
		}
		result = append(result, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%.200s: %v", statement, err)
	}
	return result
}

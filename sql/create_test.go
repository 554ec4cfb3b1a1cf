package sql_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

var update = flag.Bool("update", false, "write empty.sql anew")

// openTables returns an in-memory DuckDB with the empty tables of the lake.
func openTables(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // one session, as settings belong to it
	t.Cleanup(func() { db.Close() })
	for _, table := range transform.Tables() {
		exec(t, db, createTable(table))
	}
	exec(t, db, createSpans())
	exec(t, db, "create schema "+views.Internal)
	return db
}

// empty.sql has the very columns that DuckDB finds in the views, created plainly,
// one after the other.
func TestEmptyViews(t *testing.T) {
	db := openTables(t)
	var want strings.Builder
	want.WriteString("-- The columns of every view, without rows: what a view that reads it is bound over. Written by\n" +
		"--\n--     go test ./sql -run EmptyViews -update\n")
	for _, v := range views.Views() {
		exec(t, db, v.Body)
		fmt.Fprintf(&want, "\ncreate or replace view %s as\nselect\n", v.Name)
		for _, c := range query(t, db, "describe "+v.Name) {
			fmt.Fprintf(&want, "    null::%s as %q,\n", strings.ToLower(c["column_type"].(string)), c["column_name"])
		}
		want.WriteString("where false;\n")
	}
	if *update {
		if err := os.WriteFile("empty.sql", []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("empty.sql")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("empty.sql is not what the views are (-want +got), run with -update:\n%s", diff)
	}
}

// Views made by Create are the views: their text and columns in the catalogue,
// and a type of every column that holds when they are read.
func TestCreate(t *testing.T) {
	plain, created := openTables(t), openTables(t)
	for _, v := range views.Views() {
		exec(t, plain, v.Body)
	}
	for _, s := range views.Create(views.Views()) {
		exec(t, created, s)
	}
	const catalogue = `select view_name, column_count, sql, column_name, column_index, data_type
		from duckdb_views() v join duckdb_columns() c on c.table_oid = v.view_oid
		where not v.internal order by view_name, column_index`
	want, got := query(t, plain, catalogue), query(t, created, catalogue)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("catalogue of %d columns (-plain +created):\n%s", len(want), diff)
	}
	for _, v := range views.Views() {
		query(t, created, "from "+v.Name)
	}
}

// createSpans makes the table of what no view computes.
func createSpans() string {
	columns := "participant_id varchar, scope varchar, label varchar, first_date date, last_date date"
	for _, m := range views.SpanCatalogue() {
		columns += ", " + m.Name + " double"
	}
	return "create table span_metrics (" + columns + ")"
}

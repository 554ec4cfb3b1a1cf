//go:build linux || darwin

package main

import (
	"database/sql"
	"slices"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // as the sessions of queries have it

	"github.com/dexetl/dexetl/extract/cohort"
)

// Views know every time zone that a roster may name.
func TestDuckDBKnowsRosterZones(t *testing.T) {
	oneAfterTheOther(t)
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "select name from pg_timezone_names()")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var known []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		known = append(known, name)
	}
	for _, zone := range cohort.Zones() {
		if !slices.Contains(known, zone) {
			t.Errorf("DuckDB does not know %s", zone)
		}
	}
}

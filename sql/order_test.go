package sql_test

import (
	"database/sql"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	views "github.com/dexetl/dexetl/sql"
)

// The digits of a number must not depend on the order in which DuckDB meets rows, which is
// another one with every run of several threads.
func TestDigitsAreTheSameInAnyOrder(t *testing.T) {
	db := openLake(t)
	exec(t, db, `set threads = 1`)
	s := cohort(8)
	s.load(t, db)
	random := rand.New(rand.NewSource(8))
	for _, p := range s.people {
		entries := p.eating(random, "carbs", "bloodGlucose", "calibration")
		for i, e := range entries {
			switch e.kind {
			case "carbs":
				entries[i].value += random.Float64()
			case "bloodGlucose":
				entries[i].unit, entries[i].value = "mmol/L", 3+e.value/7
			default:
				entries[i].value = 40 + 3*e.value
			}
		}
		enter(t, db, p.id, entries)
	}
	exec(t, db, `update glucose set glucose_mgdl = glucose_mgdl + (hash(time_utc) % 997) / 997`) // as of mmol/L
	before := digits(t, db)
	for _, table := range []string{"glucose", "glucose_days", "events", "calibrations"} {
		exec(t, db, fmt.Sprintf(`create or replace table %[1]s as from %[1]s order by hash(rowid)`, table))
	}
	for view, rows := range digits(t, db) {
		if !slices.Equal(rows, before[view]) {
			t.Errorf("%s has other digits when rows come in another order", view)
		}
	}
}

// digits are the rows of each view, with all their digits.
func digits(t testing.TB, db *sql.DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, v := range views.Views() {
		var rows []string
		for _, r := range query(t, db, "from "+v.Name) {
			rows = append(rows, fmt.Sprint(r))
		}
		slices.Sort(rows)
		all[v.Name] = rows
	}
	return all
}

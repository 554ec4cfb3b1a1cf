package sql_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	views "github.com/dexetl/dexetl/sql"
)

// Sessions found in the records of each stretch of time by itself are those of all.
func TestSensorSessionsByParts(t *testing.T) {
	db := openLake(t)
	insertWorn(t, db, wornCases())
	want := query(t, db, "from sensor_sessions order by all")
	if len(want) < 30 {
		t.Fatalf("only %d sessions", len(want))
	}
	exec(t, db, "create table sensor_worn as "+views.SensorWorn())
	for _, width := range []string{"1 hour", "7 hours", "1 day", "100 days"} {
		parts := fmt.Sprintf("time_bucket(interval '%s', system_time)", width)
		exec(t, db, "create or replace table sensor_marks as from ("+views.SensorMarks()+") where false")
		for _, part := range query(t, db, "select distinct "+parts+"::varchar as at from egvs") {
			exec(t, db, fmt.Sprintf("insert into sensor_marks with egvs as (from main.egvs where %s = '%s') from (%s)", parts, part["at"], views.SensorMarks()))
		}
		if diff := cmp.Diff(want, query(t, db, "from ("+views.SensorSessions()+") order by all")); diff != "" {
			t.Errorf("sessions by %s (-all at once +by parts):\n%s", width, diff)
		}
	}
}

package sql_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

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

// Where records are steady, the first and the last ones of some hours tell all that a look
// at each of them tells: whether sensors fall silent for about as long as counts, start
// anew, or come without an id or ticks.
func TestSteadyRecordsTellNoMore(t *testing.T) {
	db := openLake(t)
	random := rand.New(rand.NewPCG(7, 16))
	var rows []string
	for p := range 40 {
		transmitter, ticks, at := "A", 1800, wornBegin.Add(time.Duration(random.IntN(6*3600))*time.Second)
		for i := range 500 {
			step := 300 + random.IntN(2)
			switch random.IntN(60) {
			case 0:
				step = 60 * (55 + random.IntN(70)) // half an hour, or two, may have none
			case 1:
				step = 0
			case 2:
				transmitter = string(rune('A' + random.IntN(3)))
			case 3:
				ticks = random.IntN(12_000)
			}
			at, ticks = at.Add(time.Duration(step)*time.Second), ticks+step
			id, sent := transmitter, fmt.Sprint(ticks)
			if random.IntN(50) == 0 {
				id = ""
			}
			if random.IntN(50) == 0 {
				sent = []string{"", "0"}[random.IntN(2)]
			}
			rows = append(rows, values(fmt.Sprint("P", p), fmt.Sprint(i), stamp(at), stamp(at.Add(time.Hour)), id, sent, []string{"g6", "g7"}[p%2], ""))
		}
	}
	insert(t, db, `egvs (participant_id, record_id, system_time, display_time, transmitter_id, transmitter_ticks, transmitter_generation, vanished_at)`, rows)
	exec(t, db, "create table sensor_worn as "+views.SensorWorn())
	each := strings.Replace(views.SensorMarks(), " as is_steady", " and false as is_steady", 1)
	if each == views.SensorMarks() {
		t.Fatal("no record is steady any more")
	}
	exec(t, db, "create table sensor_marks as "+each)
	want := query(t, db, "from ("+views.SensorSessions()+") order by all")
	if boundaries := map[any]bool{}; len(want) > 100 {
		for _, r := range want {
			boundaries[r["boundary"]] = true
		}
		if len(boundaries) < 4 {
			t.Errorf("boundaries are only %v", boundaries)
		}
	} else {
		t.Errorf("only %d sessions", len(want))
	}
	if diff := cmp.Diff(want, query(t, db, "from sensor_sessions order by all")); diff != "" {
		t.Errorf("sessions (-by each record +by those that tell):\n%s", diff)
	}
}

//go:build linux || darwin

package sql_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	views "github.com/dexetl/dexetl/sql"
)

// Whatever the days, their cadence and what is missing: the long gaps are those of gaps.
func TestLongGaps(t *testing.T) {
	db := openLake(t)
	r := rand.New(rand.NewSource(1))
	rows, ids := []string{}, []string{"nobody"}
	for i := range 24 {
		ids = append(ids, fmt.Sprint("p", i))
		rows = append(rows, stretches(r, ids[i+1])...)
	}
	insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, glucose_mgdl, cadence_min, transmitter_id)`, rows)
	everybody := `unnest(['` + strings.Join(ids, `', '`) + `'])`
	exec(t, db, `insert into participants (participant_id) select `+everybody)
	exec(t, db, `insert into coverage (participant_id, resource, asked_from, asked_to, asked_at, records)
		select `+everybody+`, 'egvs', '2025-03-01', '2025-06-01', '2025-06-01', 1`)
	sumDays(t, db)
	const these = `select participant_id, gap_start, gap_end, gap_min, missing_readings, kind from `
	const order = ` order by participant_id, gap_start`
	want := query(t, db, these+`gaps where gap_min > 180 or kind = 'never'`+order)
	if diff := cmp.Diff(want, query(t, db, these+`(`+views.LongGaps(ids)+`)`+order)); diff != "" {
		t.Errorf("long gaps (-want +got):\n%s", diff)
	}
	for _, row := range query(t, db, views.LongGaps(ids[1:2])) {
		if row["participant_id"] != ids[1] {
			t.Errorf("long gaps of %s have one of %v", ids[1], row["participant_id"])
		}
	}
	kinds := map[any]int{}
	for _, row := range want {
		kinds[row["kind"]]++
	}
	if len(kinds) < 4 {
		t.Errorf("not every kind is among them: %v", kinds)
	}
}

// stretches are rows of glucose: readings one after the other, and between them silences
// of minutes to days.
func stretches(r *rand.Rand, id string) (rows []string) {
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Intn(86400)) * time.Second)
	for range 2 + r.Intn(4) {
		cadence, sensor := []int{5, 5, 15}[r.Intn(3)], []string{"A", "B"}[r.Intn(2)]
		for range 1 + r.Intn(1300) {
			rows = append(rows, values(id, stamp(at), stamp(at), at.Format(time.DateOnly), "100", fmt.Sprint(cadence), sensor))
			at = at.Add(time.Duration(cadence) * time.Minute)
		}
		at = at.Add(time.Duration([]int{20, 90, 175, 181, 200, 300, 1500, 5000}[r.Intn(8)]) * time.Minute)
	}
	return rows
}

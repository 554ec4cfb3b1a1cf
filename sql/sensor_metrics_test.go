package sql_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// wear37 gives everybody another sensor every 37 hours: days and slots of most are divided.
const wear37 = `insert into egvs (participant_id, record_id, system_time, display_time, transmitter_id, transmitter_generation)
	select participant_id, time_utc::varchar, time_utc, local_time, 'T' || epoch_us(time_utc) // (37 * 3_600_000_000), 'g7' from glucose`

// Every metric of a sensor is what package metrics computes of its readings.
func TestSensorMetricsEqualOracle(t *testing.T) {
	db := openLake(t)
	s := cohort(11)
	s.load(t, db)
	exec(t, db, wear37)
	rows := byKey(t, query(t, db, `select *, strftime(session_start, '%Y-%m-%d %H:%M:%S') as begins from sensor_metrics`), "participant_id", "begins")
	for _, p := range s.people {
		worn := map[int64][]metrics.Reading{}
		unknown := map[int64]int{}
		for _, r := range p.readings {
			sensor := r.Time.Unix() / (37 * 3600)
			r.Excluded = s.excludes(p.id, r.Local)
			worn[sensor] = append(worn[sensor], r.Reading)
			if r.Local.IsZero() {
				unknown[sensor]++
			}
		}
		for sensor, readings := range worn {
			want := summaryRow(metrics.Summarize(readings, metrics.Scope{Minutes: lasting(readings), RiskScale: metrics.RiskScale}))
			further(want, readings, views.Dexetl1)
			want["valid_days"] = p.validDays(readings, nil)
			want["n_unknown_local_time"] = unknown[sensor]
			take(t, rows, fmt.Sprintf(" %s %s", p.id, first(readings).Format(time.DateTime)), want)
		}
	}
	noneLeft(t, "sensor_metrics", rows)
}

func first(readings []metrics.Reading) time.Time {
	at := readings[0].Time
	for _, r := range readings {
		if r.Time.Before(at) {
			at = r.Time
		}
	}
	return at
}

// lasting is the minutes from the first slot to the last one.
func lasting(readings []metrics.Reading) int {
	from, to := int64(1<<62), int64(0)
	for _, r := range readings {
		minutes := int64(r.CadenceMin)
		if minutes == 0 {
			minutes = 5
		}
		slot := r.Time.Unix() / (60 * minutes) * minutes
		from, to = min(from, slot), max(to, slot+minutes)
	}
	return int(to - from)
}

// Two sensors of one date, worked out by hand: 12 hours of 100 mg/dL, two of warm-up, and
// 12 hours of 200 and 220 in turn, of which one is missing.
func TestTwoSensorsOfADate(t *testing.T) {
	db := openLake(t)
	exec(t, db, `insert into participants (participant_id, timezone) values ('P', 'America/New_York')`)
	exec(t, db, `insert into glucose (participant_id, time_utc, local_time, local_date, glucose_mgdl, glucose_source, transmitter_id, overlap, clock_suspect)
		select 'P', timestamp '2025-02-01 00:00:10' + i * interval 5 minute as t, t - interval 5 hour, (t - interval 5 hour)::date,
			if(i < 144, 100, 200 + i % 2 * 20), 'value', if(i < 144, 'A', 'B'), false, false
		from range(312) r (i) where i not between 144 and 167 and i not between 192 and 203`)
	exec(t, db, `insert into egvs (participant_id, record_id, system_time, display_time, transmitter_id, transmitter_generation)
		select participant_id, time_utc::varchar, time_utc, local_time, transmitter_id, 'g6' from glucose`)
	sumDays(t, db)
	got := table(t, db, `select session, transmitter_id, session_start, session_end, first_date, last_date, n_values, n_days, valid_days,
			expected_slots, n_slots, round(active_window_pct, 3), sufficient, mean_mgdl, round(sd_mgdl, 4), tir_pct, tar180_min, n_unknown_local_time
		from sensor_metrics order by session`)
	want := "1 A 2025-02-01 00:00:10 2025-02-01 11:55:10 2025-01-31 2025-02-01 144 2 0 144 144 100.0 true 100.0 0.0 100.0 0 0\n" +
		"2 B 2025-02-01 14:00:10 2025-02-02 01:55:10 2025-02-01 2025-02-01 132 1 0 144 132 91.667 true 210.0 10.0381 0.0 660 0\n"
	if got != want {
		t.Errorf("sensor_metrics: got\n%s, want\n%s", got, want)
	}
	if got, want := table(t, db, `select n_values from daily_metrics where local_date = '2025-02-01'`), "216\n"; got != want {
		t.Errorf("the date that both have: got %s values, want 84 of the one and 132 of the other, %s", got, want)
	}
}

package sql_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// Nights and days must equal what package metrics computes, whatever the night is.
func TestDayNightEqualsOracle(t *testing.T) {
	db := openLake(t)
	s := cohort(9)
	s.load(t, db)
	for setting, night := range map[string]metrics.Night{
		"": metrics.DefaultNight(), "22:30-05:45": {FromMin: 22*60 + 30, ToMin: 5*60 + 45}, "01:15-07:00": {FromMin: 75, ToMin: 7 * 60},
	} {
		exec(t, db, `delete from settings`)
		if setting != "" {
			exec(t, db, `insert into settings values ('metrics.night', ?)`, setting)
		}
		rows := byKey(t, query(t, db, `select * from day_night_metrics`), "participant_id", "part")
		for _, p := range s.people {
			over, _ := p.bounds()
			var chosen []metrics.Reading
			for _, r := range s.oracleReadings(p) {
				if !r.Local.IsZero() && over.holds(r.Local) {
					chosen = append(chosen, r)
				}
			}
			atNight, byDay := night.Split(chosen)
			for part, readings := range map[string][]metrics.Reading{"night": atNight, "day": byDay} {
				key := " " + p.id + " " + part
				want := summaryRow(metrics.Summarize(readings, metrics.Scope{RiskScale: metrics.RiskScale}))
				for _, name := range []string{"n_values", "n_days", "mean_mgdl", "sd_mgdl", "cv_pct", "very_low_pct", "low_pct", "in_range_pct", "high_pct", "very_high_pct"} {
					if got := rows[key][name]; !same(got, want[name]) {
						t.Errorf("night %q: %s: %s: got %v, want %v", setting, key, name, got, want[name])
					}
				}
				delete(rows, key)
			}
		}
		noneLeft(t, "day_night_metrics", rows)
	}
}

// 05:59 is night and 06:00 is day; a value of 53 is very low, 250 is high.
func TestDayNight(t *testing.T) {
	db := openLake(t)
	p := person{id: "P1", zone: "UTC"}
	for at, glucose := range map[string]float64{"00:00:00": 53, "05:59:59": 69, "06:00:00": 250, "12:00:00": 180, "23:59:59": 251} {
		when, _ := time.Parse(time.DateTime, "2025-03-01 "+at)
		p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: when, Local: when, GlucoseMgdL: glucose, HasValue: true}})
	}
	study{people: []*person{&p}}.load(t, db)
	const want = "P1 day 3 1 227.0 40.7 17.9 0.0 0.0 33.3 33.3 33.3\nP1 night 2 1 61.0 11.3 18.5 50.0 50.0 0.0 0.0 0.0\n"
	if got := table(t, db, `select participant_id, part, n_values, n_days, round(columns(c -> c ~ '.*(mgdl|pct)'), 1)
		from day_night_metrics order by part`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// What is sufficient follows the setting of the snapshot.
func TestSufficientBySetting(t *testing.T) {
	db := openLake(t)
	cohort(9).load(t, db)
	for _, pct := range []string{"70", "30", "92.5"} {
		if pct != "70" {
			exec(t, db, `insert into settings values ('metrics.min_active_pct', ?)`, pct)
		}
		statement, args := views.Selection{}.Query()
		rows, sufficient := query(t, db, statement, args...), 0
		rows = append(rows, query(t, db, `from window_metrics`)...)
		for _, r := range rows {
			active, _ := toFloat(r["active_window_pct"])
			limit, _ := strconv.ParseFloat(pct, 64)
			if r["sufficient"] != (active >= limit) {
				t.Errorf("min_active_pct %s: %v percent are sufficient: %v", pct, active, r["sufficient"])
			}
			sufficient += map[bool]int{true: 1}[active >= limit]
		}
		if sufficient == 0 || sufficient == len(rows) {
			t.Errorf("min_active_pct %s: %d of %d rows are sufficient", pct, sufficient, len(rows))
		}
		exec(t, db, `delete from settings`)
	}
}

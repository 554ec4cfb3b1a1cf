package sql_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
)

// lostHour is a day of 100 mg/dL, but 160 from 06:00 on for an hour of which nobody
// knows what the wall clock showed.
func lostHour(start string) *person {
	p := &person{id: "P1", zone: "UTC", start: start, asked: "2025-03-01"}
	for i := range 288 {
		at := date("2025-03-01").Add(time.Duration(i) * 5 * time.Minute)
		r := metrics.Reading{Time: at, Local: at, GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}
		if i/12 == 6 {
			r.GlucoseMgdL, r.Local = 160, time.Time{}
		}
		p.readings = append(p.readings, reading{Reading: r})
	}
	return p
}

// Readings of unknown local time count where a study has no dates, and in no date.
func TestUnknownLocalTime(t *testing.T) {
	for start, want := range map[string]row{
		"":           {"n_values": 288, "mean_mgdl": (276*100. + 12*160) / 288, "n_slots": 288, "active_window_pct": 100., "tir_min": 1440},
		"2025-03-01": {"n_values": 276, "mean_mgdl": 100., "n_slots": 276, "active_window_pct": 100 * 276. / 288, "tir_min": 1380},
	} {
		db := openLake(t)
		study{people: []*person{lostHour(start)}}.load(t, db)
		want["n_unknown_local_time"], want["n_days"], want["valid_days"], want["expected_slots"] = 12, 1, 1, 288
		compare(t, fmt.Sprintf("study from %q", start), query(t, db, "from participant_metrics")[0], want)
		compare(t, fmt.Sprintf("day of a study from %q", start), query(t, db, "from daily_metrics")[0], row{"n_values": 276, "mean_mgdl": 100., "n_slots": 276})
	}
}

// They count in elapsed time, and in no time of day.
func TestUnknownLocalTimeInOrder(t *testing.T) {
	var readings []metrics.Reading
	for _, r := range lostHour("").readings {
		readings = append(readings, r.Reading)
	}
	spans := metrics.Spans{Rules: metrics.DexetlSpans()}
	span := spans.Of(readings)
	got := map[string]float64{}
	for name, value := range span.Columns() {
		got[name] = value
	}
	for name, want := range map[string]float64{
		"exposure_days": 1, "distance_mgdl": 120, "conga1_mgdl": math.Sqrt(24 * 3600. / 275), "mag_mgdl_h": 120 / (287 * 5 / 60.),
		"sdw_mgdl": 0,
	} {
		if !same(got[name], want) {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if modd := got["modd_mgdl"]; !math.IsNaN(modd) {
		t.Errorf("modd_mgdl of one day is %v", modd)
	}
}

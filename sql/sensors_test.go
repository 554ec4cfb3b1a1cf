package sql_test

import (
	"database/sql"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A wornSensor sends a record every 5 minutes, from one hour to another, both
// included.
type wornSensor struct {
	transmitter, generation string
	from, to                float64 // hours
	ticks                   int     // of the first record; 0: none are sent
	clock                   time.Duration
}

// A wornCase is somebody's sensors.
type wornCase struct {
	name string
	worn []wornSensor
	want string // of each session: transmitter, first and last hour, records, boundary
}

var wornBegin = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)

func wornCases() []wornCase {
	day := func(n float64) float64 { return 24 * n }
	return []wornCase{
		{"one", []wornSensor{{"A", "g7", 0, 10, 1800, 0}}, "A 0-10 121 first"},
		{"a silence of a G7 is a loss", []wornSensor{{"A", "g7", 0, 5, 1800, 0}, {"A", "g7", 12, 15, 45000, 0}}, "A 0-15 98 first"},
		{"a silence of a G6 is a warm-up", []wornSensor{{"A", "g6", 0, 5, 1800, 0}, {"A", "g6", 7, 9, 27000, 0}}, "A 0-5 61 first, A 7-9 25 silence"},
		{"109 minutes are none", []wornSensor{{"A", "g6", 0, 5, 1800, 0}, {"A", "g6", 5 + 109.0/60, 9, 26340, 0}}, "A 0-8.98 88 first"},
		{"110 minutes are one", []wornSensor{{"A", "g6", 0, 5, 1800, 0}, {"A", "g6", 5 + 110.0/60, 9, 26400, 0}}, "A 0-5 61 first, A 6.83-9 27 silence"},
		{"a silence without id", []wornSensor{{"", "g7", 0, 5, 0, 0}, {"", "g7", 7, 9, 0, 0}}, "- 0-5 61 first, - 7-9 25 silence"},
		{"a silence of a generation that is not known", []wornSensor{{"A", "", 0, 5, 0, 0}, {"A", "", 7, 9, 0, 0}}, "A 0-5 61 first, A 7-9 25 silence"},
		{"another one", []wornSensor{{"A", "g7", 0, 5, 1800, 0}, {"B", "g7", 6, 9, 60, 0}}, "A 0-5 61 first, B 6-9 37 transmitter"},
		{"another one before the first ends", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"B", "g7", 12, 36, 1800, 0}},
			"A 0-12 289 first, B 12-36 289 transmitter"},
		{"another one that ends before", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"B", "g7", 12, 14, 1800, 0}}, "A 0-24 289 first"},
		{"stray records of the one before", []wornSensor{{"A", "g6", 0, 24, 1800, 0}, {"B", "g6", 26, 60, 7200, 0}, {"A", "g6", 40, 40, 145800, 0}},
			"A 0-24 289 first, B 26-60 409 transmitter"},
		{"the one before again", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"B", "g7", 26, 60, 1800, 0}, {"A", "g7", 61, 70, 221400, 0}},
			"A 0-24 289 first, B 26-60 409 transmitter, A 61-70 109 transmitter"},
		{"started anew", []wornSensor{{"A", "g7", 0, 24, 500000, 0}, {"A", "g7", 25, 30, 1800, 0}}, "A 0-24 289 first, A 25-30 61 ticks"},
		{"started anew in a silence", []wornSensor{{"A", "g6", 0, 24, 1800, 0}, {"A", "g6", day(9), day(9) + 5, 90000, 0}},
			"A 0-24 289 first, A 216-221 61 ticks"},
		{"no ticks", []wornSensor{{"A", "g7", 0, 24, 0, 0}, {"A", "g7", 25, 30, 0, 0}}, "A 0-30 350 first"},
		{"a receiver that is seconds off", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"A", "g7", 0, 24, 1800, 20 * time.Second}}, "A 0-24.01 578 first"},
		{"a receiver that is hours ahead", []wornSensor{{"A", "g7", 0, 48, 90000, 0}, {"A", "g7", 0, 48, 90000, 3 * time.Hour}}, "A 0-51 1154 first"},
		{"a receiver that sends no id", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"", "g7", 1, 23, 0, 0}, {"B", "g7", 30, 40, 1800, 0}},
			"A 0-24 289 first, B 30-40 121 transmitter"},
		{"a receiver that sends no id and goes on longer", []wornSensor{{"A", "g6", 0, 24, 7200, 0}, {"", "g6", 0, 25, 0, 7 * time.Second}, {"B", "g6", 27, 40, 7200, 0}},
			"A 0-25 289 first, B 27-40 157 transmitter"},
		{"a receiver that sends no id and goes on for days", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"", "g7", 0, 72, 0, 0}}, "A 0-72 289 first"},
		{"a receiver that sends no id and begins before", []wornSensor{{"", "g7", 0, 24, 0, 0}, {"A", "g7", 1, 24, 1800, 0}, {"", "g7", 48, 50, 0, 0}},
			"A 0-24 277 first, - 48-50 25 transmitter"},
		{"no id until an update", []wornSensor{{"", "g6", 0, 24, 0, 0}, {"A", "g6", 24.5, 30, 7200, 0}}, "A 0-30 67 first"},
		{"no id between two", []wornSensor{{"A", "g7", 0, 24, 1800, 0}, {"", "g7", 24.5, 25, 0, 0}, {"B", "g7", 25.5, 30, 1800, 0}},
			"A 0-25 289 first, B 25.5-30 55 transmitter"},
		{"no id at first", []wornSensor{{"", "g5", 0, 24, 0, 0}, {"A", "g6", 26, 30, 7200, 0}}, "- 0-24 289 first, A 26-30 49 transmitter"},
	}
}

// insertWorn inserts the records of all cases.
func insertWorn(t *testing.T, db *sql.DB, tests []wornCase) {
	t.Helper()
	var rows []string
	for _, test := range tests {
		for i, w := range test.worn {
			first, last := wornBegin.Add(time.Duration(w.from*float64(time.Hour)).Round(time.Second)), wornBegin.Add(time.Duration(w.to*float64(time.Hour)))
			for at := first; !at.After(last); at = at.Add(5 * time.Minute) {
				ticks := ""
				if w.ticks > 0 {
					ticks = fmt.Sprint(w.ticks + int(at.Sub(first)/time.Second))
				}
				shown := at.Add(w.clock)
				rows = append(rows, values(test.name, fmt.Sprint(i, " ", at.Unix()), stamp(shown), stamp(shown.Add(time.Hour)), w.transmitter, ticks, w.generation, ""))
			}
		}
		rows = append(rows, values(test.name, "gone", "2025-05-01", "2025-05-01", "Z", "1", "g7", "2025-05-02")) // vanished
	}
	insert(t, db, `egvs (participant_id, record_id, system_time, display_time, transmitter_id, transmitter_ticks, transmitter_generation, vanished_at)`, rows)
}

// A sensor ends with another transmitter, with ticks that start anew, or with a silence
// that looks like a warm-up, and none overlap.
func TestSensorSessions(t *testing.T) {
	tests, db := wornCases(), openLake(t)
	insertWorn(t, db, tests)
	for _, test := range tests {
		var sessions []string
		for _, r := range query(t, db, `select coalesce(transmitter_id, '-') as id, epoch(session_start) as first, epoch(session_end) as last, n_records, boundary
				from sensor_sessions where participant_id = ? order by session`, test.name) {
			sessions = append(sessions, fmt.Sprintf("%s %s-%s %d %s", r["id"], hourOf(r["first"]), hourOf(r["last"]), r["n_records"], r["boundary"]))
		}
		got := strings.Join(sessions, ", ")
		if got != test.want {
			t.Errorf("%s: got\n%s, want\n%s", test.name, got, test.want)
		}
	}
	none := query(t, db, `select participant_id from sensor_sessions
		where session_end < session_start or session_start_local - session_start <> interval 1 hour or session_end_local - session_end <> interval 1 hour
		or session_end > (select min(n.session_start) from sensor_sessions n where n.participant_id = sensor_sessions.participant_id and n.session > sensor_sessions.session)`)
	if diff := cmp.Diff([]row(nil), none); diff != "" {
		t.Errorf("sessions that overlap, or with another wall clock (-want +got):\n%s", diff)
	}
}

// hourOf is an instant as hours since wornBegin, of two places.
func hourOf(epoch any) string {
	return fmt.Sprint(math.Round((epoch.(float64)-float64(wornBegin.Unix()))/36) / 100)
}

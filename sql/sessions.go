package sql

import (
	_ "embed"
	"strings"
)

// When one record follows another one of its transmitter: seconds between them, whether
// its ticks started anew, and whether with it begins another run. An hour either way is
// the difference of two display devices' clocks.
const (
	sensorSilence  = `(epoch_us(system_time) - epoch_us(before_time)) / 1e6`
	sensorRestarts = `coalesce(
            ticks <= silence_s + 3600 and (before_ticks - ticks > 3600 or ticks < silence_s - 3600),
            false
        )`
	sensorBegins = `is_restart or coalesce(silence_s >= 6600, false)`
)

//go:embed sensor_worn.sql
var sensorWorn string

// SensorWorn is a query over egvs: first_time and last_time of each participant_id and
// transmitter_id, which may be null.
func SensorWorn() string { return strings.TrimSpace(sensorWorn) }

//go:embed sensor_marks.sql
var sensorMarks string

// SensorMarks is a query over egvs and sensor_worn, which has the rows of [SensorWorn]:
// the records that say from when to when a sensor was worn.
func SensorMarks() string { return strings.TrimSpace(fill(sensorMarks)) }

// SessionsFrom is the statement that has sensor_sessions read its rows from a relation.
func SessionsFrom(relation string) string {
	v := view("sensor_sessions")
	names := make([]string, len(v.Columns))
	for i, c := range v.Columns {
		names[i] = c.Name
	}
	return "create or replace view sensor_sessions as\nselect\n    " + strings.Join(names, ",\n    ") + ",\nfrom " + relation + ";"
}

// SensorSessions is the query of the view sensor_sessions over sensor_marks: rows of
// [SensorMarks], those of each stretch of time by themselves.
func SensorSessions() string {
	_, rest, found := strings.Cut(query("sensor_sessions"), "chained as (")
	if !found {
		panic("view sensor_sessions: nothing is chained")
	}
	return "with chained as (" + rest
}

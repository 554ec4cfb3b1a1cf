package sql

import (
	"cmp"
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

//go:embed spans.sql
var spans string

// Scopes returns a statement and its arguments that lists the interval of each
// participant of [Selection.Query]: participant_id, scope, label, first_date,
// last_date, and takes_unknown, whether readings without local time belong to it.
func (s Selection) Scopes() (statement string, args []any) {
	with, args := s.with()
	return with + "\nselect participant_id, scope, label, first_date, last_date, takes_unknown,\nfrom metric_scopes\norder by participant_id", args
}

// Readings returns a statement that lists the values of participants that count by
// the rules of the selection: the place of the participant among them, the time in
// microseconds of UTC and of the wall clock, which may be null, mg/dL, and the
// minutes that the value stands for. Rows come in no order.
func (s Selection) Readings(participants []string) string {
	marks := make([]string, len(participants))
	for i, id := range participants {
		marks[i] = quote(id)
	}
	preset := presetQuery(cmp.Or(s.Preset, Dexetl1), cmp.Or(s.Sentinels, AsSent))
	return "with metric_preset as (" + preset + ")\n" + strings.ReplaceAll(spans, "{marks}", strings.Join(marks, ", "))
}

//go:embed reading_hashes.sql
var readingHashes string

// ReadingHashes is a query over glucose: n_values and sum_of_hashes of each
// participant_id and local_date, for [SpanScopes].
func ReadingHashes() string { return readingHashes }

//go:embed sensor_scopes.sql
var sensorScopes string

// SensorScopes is a query over glucose and sensor_sessions: the sensors of which there are
// values in glucose, for [SpanScopes].
func SensorScopes() string {
	return strings.ReplaceAll(fill(sensorScopes), "main.glucose", "glucose")
}

//go:embed span_scopes.sql
var spanScopes string

// SpanScopes is a query over the tables of a snapshot, the views [SpanViews], and
// reading_hashes, rows of [ReadingHashes] of all readings, several of a day where they
// are of several files, and sensor_scopes, rows of [SensorScopes] likewise. It lists every interval
// with a value: participant_id, scope, label, first_date, last_date, takes_unknown, first_utc
// and last_utc of a sensor, n_values, readings_hash, metrics_version and
// episode_preset. What depends on the values of an interval changes with one of the last three.
func SpanScopes() string { return spanScopes }

// EpisodePreset is a query over settings for the name of the rules by which episodes
// are looked for, where the preset is not [IGLU].
func EpisodePreset() string {
	return "select episode_preset from (\n" + unqualified(query("internal.metric_settings")) + "\n)"
}

// SpanViews are the views that [SpanScopes] reads, and metric_settings.
func SpanViews() []string {
	return []string{"metric_preset", Internal + ".metric_settings", "study_intervals", Internal + ".metric_scopes"}
}

// NeedsSpans reports whether a statement may read span_metrics or episodes: it has the name
// of one of them, or of a view that shows what span_metrics has. There is no other way to
// read them.
func NeedsSpans(statement string) bool { return spanNames().MatchString(statement) }

var spanNames = sync.OnceValue(func() *regexp.Regexp {
	names := "span_metrics|episodes"
	for _, v := range readViews() { // each after those it reads
		if regexp.MustCompile(`\b(?:from|join) (?:\w+\.)?(?:` + names + `)\b`).MatchString(v.Body) {
			names += "|" + strings.TrimPrefix(v.Name, Internal+".")
		}
	}
	return regexp.MustCompile(`(?i)\b(?:` + names + `)\b`)
})

// SpanTables are the tables that [SpanViews], [SpanScopes] and [SensorScopes] read; in older lakes glucose.excluded
// follows from exclusions.
func SpanTables() []string {
	return []string{"glucose", "glucose_days", "egvs", "exclusions", "participants", "windows", "coverage", "withdrawals", "settings"}
}

// NoSpans is the statement that leaves the metric views nothing of span_metrics, where that
// cannot be read.
func NoSpans() string {
	return "create or replace view " + Internal + ".spans as\n" + noSpans() + ";"
}

// noSpans is internal.spans without rows.
func noSpans() string {
	columns := "null::varchar as of_participant, null::varchar as of_scope, null::varchar as of_label, null::date as of_first_date"
	for _, m := range SpanCatalogue() {
		columns += ", null::double as " + m.Name
	}
	return "select " + columns + " where false"
}

// InNight is the condition that a column lies in the night of metrics.night; false
// where it is null.
func InNight(column string) string {
	minute := "(hour(" + column + ") * 60 + minute(" + column + "))"
	return strings.ReplaceAll(`coalesce((
    select if(night_from_min <= night_to_min, {m} >= night_from_min and {m} < night_to_min, {m} >= night_from_min or {m} < night_to_min)
    from internal.metric_settings
), false)`, "{m}", minute)
}

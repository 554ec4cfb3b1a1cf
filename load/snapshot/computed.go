package snapshot

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// Names of the tables that no answer brings and SQL does not say well: they lie in the
// folder of a snapshot, and follow from its other tables.
const (
	spansTable    = "span_metrics"
	episodesTable = "episodes"
)

// Computed lists those tables.
func Computed() []transform.Table { return []transform.Table{spanMetrics(), episodes()} }

// toldSince is the column of each that older files lack: it says by whose rules a row is, and
// nothing else follows from it.
var toldSince = map[string]string{spansTable: "preset", episodesTable: "metrics_version"}

// isComputed reports whether a table is one of them.
func isComputed(table string) bool {
	return slices.ContainsFunc(Computed(), func(t transform.Table) bool { return t.Name == table })
}

var (
	varchar   = arrow.BinaryTypes.String
	timestamp = &arrow.TimestampType{Unit: arrow.Microsecond}
	date      = arrow.FixedWidthTypes.Date32
	double    = arrow.PrimitiveTypes.Float64
	boolean   = arrow.FixedWidthTypes.Boolean
	smallint  = arrow.PrimitiveTypes.Int16
	bigint    = arrow.PrimitiveTypes.Int64
)

func spanMetrics() transform.Table {
	t := transform.Table{
		Name: spansTable, Comment: "metrics that depend on the order of readings: one row per participant and interval with a value, from glucose",
		Kind: transform.Derived, Version: 2, Sound: 1,
		Key: []string{"participant_id", "scope", "label", "first_date"},
		Columns: []transform.Column{
			{Name: "participant_id", Type: varchar, Comment: "study pseudonym from the roster"},
			{Name: "scope", Type: varchar, Comment: "participant (the study), day, period (14 days from day 1), window (of windows.csv), sensor (of sensor_sessions)"},
			{Name: "label", Type: varchar, Comment: "name of the window; session_start of the sensor; empty for other scopes"},
			{Name: "first_date", Type: date, Nullable: true, Comment: "first local date; null: only readings without local time"},
			{Name: "last_date", Type: date, Nullable: true, Comment: "last local date, inclusive"},
			{Name: "n_values", Type: bigint, Comment: "values that count"},
			{Name: "readings_hash", Type: bigint, Comment: "of these values with their times: as long as it is the same, so is the row"},
			{Name: "metrics_version", Type: smallint, Comment: "as in metric_preset"},
			{Name: "episode_preset", Type: varchar, Comment: "rules of the episodes that its rates count: consensus2023 or danne2017"},
			{Name: "preset", Type: varchar, Nullable: true, Comment: "as in metric_preset; null: an older program computed it, by dexetl-1"},
		},
	}
	for _, m := range sql.SpanCatalogue() {
		t.Columns = append(t.Columns, transform.Column{Name: m.Name, Type: double, Nullable: true, Comment: m.Unit + "; see metric_catalogue"})
	}
	return t
}

func episodes() transform.Table {
	return transform.Table{
		Name: episodesTable, Comment: "times of low and high glucose: one row per participant, kind and start, in the dates of the study, from glucose",
		Kind: transform.Derived, Version: 2, Sound: 1,
		Key: []string{"participant_id", "kind", "start_utc"},
		// A narrow terminal shows the first and the last ones.
		Columns: []transform.Column{
			{Name: "participant_id", Type: varchar, Comment: "study pseudonym from the roster"},
			{Name: "kind", Type: varchar, Comment: "hypo1, hypo2, hypo_extended, hyper1, hyper2, hyper_extended, hyper_extended_120: see <kind>_per_week in metric_catalogue. One time may be of several kinds"},
			{Name: "start_local", Type: timestamp, Nullable: true, Comment: "wall clock of start_utc; null where it is not known"},
			{Name: "end_local", Type: timestamp, Nullable: true, Comment: "wall clock of end_utc"},
			{Name: "start_utc", Type: timestamp, Comment: "UTC; its first value"},
			{Name: "end_utc", Type: timestamp, Comment: "UTC, exclusive; its last value stands for its cadence"},
			{Name: "n_values", Type: bigint, Comment: "values in it"},
			{Name: "mean_mgdl", Type: double, Comment: "mg/dL; mean of its values"},
			{Name: "level", Type: smallint, Comment: "2: an episode of level 2 is in it, else 1"},
			{Name: "night", Type: boolean, Comment: "it starts in the night of the wall clock: metrics.night of dexetl.yaml, 00:00-06:00 where it does not say"},
			{Name: "truncated_start", Type: boolean, Comment: "it begins where the values do, or after a gap of more than 45 minutes: it may be longer"},
			{Name: "truncated_end", Type: boolean, Comment: "it ends where the values do, or before such a gap"},
			{Name: "preset", Type: varchar, Comment: "by whose rules: consensus2023 (Battelino 2023, to be checked against the paper), or danne2017, as metrics.episodes of dexetl.yaml says"},
			{Name: "metrics_version", Type: smallint, Nullable: true, Comment: "as in metric_preset; null: an older program computed it, and span_metrics of the snapshot has it"},
			{Name: "extreme_mgdl", Type: double, Comment: "mg/dL; nadir of a hypo, peak of a hyper"},
			{Name: "duration_min", Type: double, Comment: "minutes from start to end, short returns included"},
		},
	}
}

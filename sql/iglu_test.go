package sql_test

import (
	"math"
	"os"
	"strings"
	"testing"

	views "github.com/dexetl/dexetl/sql"
)

const reference = "../../shared/reference/cgm/"

// igluName gives, for a metric of the reference (and its parameters where it
// has several), the column that must equal it.
func igluName() map[string]string {
	return map[string]string{
		"n": "n_values", "mean_glu": "mean_mgdl", "sd_glu": "sd_mgdl", "cv_glu": "cv_pct", "median_glu": "median_mgdl",
		"quantile_glu.0": "min_mgdl", "quantile_glu.100": "max_mgdl", "gmi": "gmi_pct", "ea1c": "ea1c_pct",
		"gri": "gri", "lbgi": "lbgi", "hbgi": "hbgi",
		"below_percent.below_54": "tbr54_pct", "below_percent.below_70": "tbr70_pct",
		"above_percent.above_180": "tar180_pct", "above_percent.above_250": "tar250_pct",
		"in_range_percent.in_range_54_69": "low_pct", "in_range_percent.in_range_70_140": "titr_pct",
		"in_range_percent.in_range_70_180": "tir_pct", "in_range_percent.in_range_181_250": "high_pct",
		"active_percent.active_percent": "active_span_pct",
	}
}

// Both presets against the values of iglu 4.3, on real people and on edge
// cases. By our own rules only the risk indices differ, by the rounded scale.
func TestMetricsEqualIGLU(t *testing.T) {
	if _, err := os.Stat(reference); err != nil {
		t.Skip("the reference data are not part of the project and are not here")
	}
	for _, dataset := range []string{"example_data_5_subject", "edge"} {
		db := openLake(t)
		exec(t, db, `insert into glucose (participant_id, time_utc, local_time, local_date, local_time_source,
				glucose_mgdl, glucose_source, n_sources, overlap, clock_suspect)
			select id, "time", "time", "time"::date, 'derived', gl, 'value', 1, false, false
			from read_csv('`+reference+dataset+`.csv', types = {'time': 'timestamp', 'gl': 'smallint'})`)
		expected := query(t, db, `select id, metric, try_cast(value as double) as value
			from read_csv('`+reference+`iglu-reference.csv', all_varchar = true)
			where dataset = '`+dataset+`' and (metric not like 'active_percent%' or params = 'default')`)
		exec(t, db, `update glucose set cadence_min = 15 where participant_id = 'libre15'`)
		sumDays(t, db)
		for _, preset := range []views.Preset{views.IGLU, views.Dexetl1} {
			statement, args := views.Selection{Preset: preset}.Query()
			compareIGLU(t, string(preset)+" "+dataset, byKey(t, query(t, db, statement, args...), "participant_id"), expected)
		}
	}
}

func compareIGLU(t *testing.T, what string, rows map[string]row, expected []row) {
	t.Helper()
	checked := 0
	for _, r := range expected {
		column, known := igluName()[r["metric"].(string)]
		if !known {
			continue
		}
		checked++
		got, want := rows[" "+r["id"].(string)][column], math.NaN()
		if value, isNumber := r["value"].(float64); isNumber {
			want = value
		}
		equal := same(got, want)
		if strings.HasPrefix(what, "dexetl-1") && strings.HasSuffix(column, "bgi") {
			equal = math.Abs(got.(float64)-want) <= 4e-5*want
		}
		// iglu averages duplicates for gri and counts both rows elsewhere; no cadence
		// of ours is 7 minutes.
		differs := r["id"] == "dups" && column == "gri" ||
			r["id"] == "min7" && column == "active_span_pct" && strings.HasPrefix(what, "dexetl-1")
		if equal == differs {
			t.Errorf("%s %s %s: got %v, iglu %v", what, r["id"], column, got, want)
		}
	}
	if want := len(igluName()) * len(rows); checked != want || checked == 0 {
		t.Errorf("%s: compared %d values, want %d", what, checked, want)
	}
}

package main

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

const reference = "../../../shared/reference/cgm/"

// Real people's glucose, served by the simulated API, fetched, loaded and
// summarised, has the metrics that the R package iglu computes from the file.
func TestMetricsOfRealPeopleAgreeWithIglu(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	path := reference + "example_data_5_subject.csv"
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the reference data of five people is not part of the project")
	}
	p := &program{stderr: t.Output(), now: func() time.Time { return demoNow }}
	config, err := p.simulation(simulateOptions{days: 1, replay: path})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, dexsim.Config{Replay: config.Replay})
	b.must("backfill")
	compareToIglu(t, b.must("metrics", "--preset", "iglu", "--csv"), len(config.Replay))
	compareToIglu(t, b.must("metrics", "--input", path, "--preset", "iglu", "--csv"), len(config.Replay))
}

// compareToIglu holds a table of metrics against iglu's.
func compareToIglu(t *testing.T, table string, people int) {
	t.Helper()
	got, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := igluValues(t)
	if len(got)-1 != people {
		t.Fatalf("metrics of %d people, want %d", len(got)-1, people)
	}
	columns := igluColumns()
	for column := range columns {
		if !slices.Contains(got[0], column) {
			t.Errorf("no column %s", column)
		}
	}
	for _, row := range got[1:] {
		person := strings.Replace(row[0], "-", " ", 1)
		for i, column := range got[0] {
			if iglu, ok := columns[column]; ok {
				compareMetric(t, person, column, row[i], want[person+"|"+iglu.name], iglu.times)
			}
		}
	}
}

func compareMetric(t *testing.T, person, column, got, want string, times float64) {
	t.Helper()
	g, err := strconv.ParseFloat(got, 64)
	if err != nil {
		t.Fatalf("%s %s: %q is no number", person, column, got)
	}
	w, err := strconv.ParseFloat(want, 64)
	if err != nil {
		t.Fatalf("%s %s: iglu's value %q is no number", person, column, want)
	}
	if w *= times; math.Abs(g-w) > 1e-9 {
		t.Errorf("%s %s = %v, iglu has %v", person, column, g, w)
	}
}

// igluNames is what iglu calls our metrics: metric and parameters.
func igluNames() map[string]string {
	const above, below = "|targets=120,140,180,200,250,300", "|targets=50,54,60,63,70"
	return map[string]string{
		"n_values": "n|", "mean_mgdl": "mean_glu|", "sd_mgdl": "sd_glu|", "cv_pct": "cv_glu|", "median_mgdl": "median_glu|",
		"gmi_pct": "gmi|", "ea1c_pct": "ea1c|", "gri": "gri|", "lbgi": "lbgi|", "hbgi": "hbgi|",
		"tir_pct": "in_range_percent.in_range_70_180|", "titr_pct": "in_range_percent.in_range_70_140|",
		"low_pct": "in_range_percent.in_range_54_69|", "high_pct": "in_range_percent.in_range_181_250|",
		"tbr54_pct": "below_percent.below_54" + below, "tbr70_pct": "below_percent.below_70" + below,
		"tar180_pct": "above_percent.above_180" + above, "tar250_pct": "above_percent.above_250" + above,
		"very_low_pct": "below_percent.below_54" + below, "very_high_pct": "above_percent.above_250" + above,
		"active_span_pct": "active_percent.active_percent|default",
	}
}

// igluValues are the reference values of the five people by id, metric and
// parameters.
func igluValues(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open(reference + "iglu-reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, row := range rows {
		if row[0] == "example_data_5_subject" {
			values[row[1]+"|"+row[2]+"|"+row[3]] = row[4]
		}
	}
	return values
}

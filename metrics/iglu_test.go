package metrics

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const reference = "../../shared/reference/cgm"

// readCSV returns the rows of a reference file as maps by column. Without the
// reference folder the test is skipped.
func readCSV(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(reference, name))
	if os.IsNotExist(err) {
		t.Skip("the reference data are not part of the project and are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// readSeries returns the readings of every id of a reference file.
func readSeries(t *testing.T, name string) map[string][]Reading {
	t.Helper()
	series := map[string][]Reading{}
	for _, row := range readCSV(t, name) {
		at, err := time.Parse(time.DateTime, row["time"])
		if err != nil {
			t.Fatal(err)
		}
		glucose, err := strconv.ParseFloat(row["gl"], 64)
		if err != nil {
			t.Fatal(err)
		}
		series[row["id"]] = append(series[row["id"]], Reading{Time: at, Local: at, GlucoseMgdL: glucose, HasValue: true})
	}
	return series
}

// near tells whether a and b agree to a relative tolerance, or are both NaN.
func near(a, b, tolerance float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return math.Abs(a-b) <= tolerance*max(1, math.Abs(b))
}

// A cadence that is not the series' own: iglu's dt0.
func TestActiveSpanEqualsIGLU(t *testing.T) {
	for _, dataset := range []string{"example_data_5_subject", "edge"} {
		series := readSeries(t, dataset+".csv")
		for _, row := range readCSV(t, "iglu-reference.csv") {
			if row["dataset"] != dataset || row["metric"] != "active_percent.active_percent" || row["params"] != "dt0=5" {
				continue
			}
			want, err := strconv.ParseFloat(row["value"], 64)
			if err != nil {
				t.Fatal(err)
			}
			if got := ActiveSpan(Keeping(series[row["id"]], 5), nil); !near(got, want, 1e-9) {
				t.Errorf("ActiveSpan(%s %s, 5): got %v, iglu %v", dataset, row["id"], got, want)
			}
		}
	}
}

func TestGridProfileEqualsIGLU(t *testing.T) {
	var grids Grids
	grids.Lay(readSeries(t, "example_data_5_subject.csv")["Subject 1"], IGLUGrid())
	bins := grids.Daily.Profile()
	rows := readCSV(t, "iglu-agp-subject1.csv")
	if len(bins) != len(rows) {
		t.Fatalf("Profile: got %d bins, want %d", len(bins), len(rows))
	}
	at := map[string]int{"p5": 0, "p25": 2, "p50": 3, "p75": 4, "p95": 6}
	for i, row := range rows {
		if got := strconv.Itoa(bins[i].StartMin * 60); got != strings.TrimSpace(row["seconds_of_day"]) {
			t.Fatalf("bin %d: got second %s, want %s", i, got, row["seconds_of_day"])
		}
		for name, k := range at {
			want, err := strconv.ParseFloat(row[name], 64)
			if err != nil {
				t.Fatal(err)
			}
			if got := bins[i].Percentiles[k]; !near(got, want, 1e-9) {
				t.Errorf("second %s %s: got %v, want %v", row["seconds_of_day"], name, got, want)
			}
		}
	}
}

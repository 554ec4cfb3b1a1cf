package metrics

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// A series is one id of a reference file.
type series struct {
	dataset, id string
	readings    []Reading
}

// A parityRow claims a metric of iglu's: what is ours, and how far it may be
// from iglu's, relative above 1.
type parityRow struct {
	metric, params string
	tolerance      float64
	of             func(series) float64
}

func TestParity(t *testing.T) {
	rows := map[string]parityRow{}
	for _, row := range gridParity() {
		rows[row.metric+" "+row.params] = row
	}
	families := map[string]bool{}
	for _, row := range rows {
		family, _, _ := strings.Cut(row.metric, ".")
		families[family] = family != "all_metrics"
	}
	for name := range gridNotCompared() {
		if _, known := rows[name+"default"]; known {
			t.Errorf("%s is compared", name)
		}
	}
	claimed := map[string]bool{}
	for _, dataset := range []string{"example_data_5_subject", "edge"} {
		all := readSeries(t, dataset+".csv")
		for _, v := range readCSV(t, "iglu-reference.csv") {
			name := v["metric"] + " " + v["params"]
			row, known := rows[name]
			if v["dataset"] != dataset || !known {
				if family, _, _ := strings.Cut(v["metric"], "."); !known && families[family] {
					t.Errorf("no row claims %s", name)
				}
				continue
			}
			claimed[name] = true
			want, err := strconv.ParseFloat(v["value"], 64)
			if err != nil {
				want = math.NaN()
			}
			if got := row.of(series{dataset, v["id"], all[v["id"]]}); !near(got, want, row.tolerance) {
				t.Errorf("%s %s %s: got %.15g, iglu %.15g", dataset, v["id"], name, got, want)
			}
		}
	}
	for name := range rows {
		if !claimed[name] {
			t.Errorf("iglu says nothing of %s", name)
		}
	}
}

package metrics

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
)

// A series is one id of a reference file.
type series struct {
	dataset, id string
	readings    []Reading
	iglu        func(metric, params string) float64 // what iglu says of it
}

// A parityRow claims a metric of iglu's: what is ours, and how far it may be
// from iglu's, relative above 1.
type parityRow struct {
	metric, params string
	tolerance      float64
	of             func(series) float64
}

// parityRows are all claims, one family after the other.
func parityRows() []parityRow {
	rows := slices.Concat(summaryParity(), valueParity(), episodeParity(), sleepParity())
	return slices.Concat(rows, allParity(rows), gridParity())
}

// notCompared says which of iglu's numbers no row claims, by the start of their
// name, and why.
func notCompared() map[string]string {
	return map[string]string{
		"active_percent.active_percent manual": "divides rows by 14 days, duplicates included; ours are distinct slots of the days asked for",
		"active_percent.ndays":                 "days of any length; ours are local dates",
		"active_percent.start_date":            "the first reading, not a metric",
		"active_percent.end_date":              "the last reading, not a metric",
		"all_metrics.ndays":                    "days of any length; ours are local dates",
		"all_metrics.start_date":               "the first reading, not a metric",
		"all_metrics.end_date":                 "the last reading, not a metric",
		"all_metrics_consensus.ndays":          "days of any length; ours are local dates",
		"all_metrics_consensus.start_date":     "the first reading, not a metric",
		"all_metrics_consensus.end_date":       "the last reading, not a metric",
		"sleep_wake.above_percent.EMPTY":       "a series without one of the halves has no rows in iglu",
		"sleep_wake.below_percent.EMPTY":       "as above",
		"sleep_wake.cv_glu.EMPTY":              "as above",
		"sleep_wake.gmi.EMPTY":                 "as above",
		"sleep_wake.hbgi.EMPTY":                "as above",
		"sleep_wake.in_range_percent.EMPTY":    "as above",
		"sleep_wake.lbgi.EMPTY":                "as above",
		"sleep_wake.mean_glu.EMPTY":            "as above",
	}
}

// igluDiffers says where iglu legitimately has another number: "id metric".
func igluDiffers() map[string]string {
	return map[string]string{
		"dups gri": "iglu averages the duplicates for gri and counts both rows elsewhere",
	}
}

// once computes what several rows take of a series.
func once[T any](of func(series) T) func(series) T {
	known := map[string]T{}
	return func(s series) T {
		key := s.dataset + "/" + s.id
		if _, ok := known[key]; !ok {
			known[key] = of(s)
		}
		return known[key]
	}
}

// An igluValue is one line of the reference.
type igluValue struct {
	dataset, id, metric, params string
	value                       float64
}

func readReference(t *testing.T) []igluValue {
	var result []igluValue
	for _, row := range readCSV(t, "iglu-reference.csv") {
		value, err := strconv.ParseFloat(row["value"], 64)
		if err != nil { // NA, NaN, or no number
			value = math.NaN()
		}
		result = append(result, igluValue{row["dataset"], row["id"], row["metric"], row["params"], value})
	}
	return result
}

// referenceSeries are the series of both files by dataset and id.
func referenceSeries(t *testing.T, reference []igluValue) map[string]series {
	values := map[string]float64{}
	for _, v := range reference {
		values[v.dataset+"/"+v.id+" "+v.metric+" "+v.params] = v.value
	}
	result := map[string]series{}
	for _, dataset := range []string{"example_data_5_subject", "edge"} {
		for id, readings := range readSeries(t, dataset+".csv") {
			key := dataset + "/" + id
			iglu := func(metric, params string) float64 { return values[key+" "+metric+" "+params] }
			result[key] = series{dataset, id, readings, iglu}
		}
	}
	return result
}

// A verdict is what became of one row over one dataset.
type verdict struct {
	values, known int // compared, and known to differ
	worst         float64
	failed        []string
}

// Every number of iglu's is claimed and agrees, or there is a reason.
func TestParity(t *testing.T) {
	reference := readReference(t)
	all := referenceSeries(t, reference)
	rows := map[string]parityRow{}
	for _, row := range parityRows() {
		rows[row.metric+" "+row.params] = row
	}
	verdicts := map[string]*verdict{}
	for _, v := range reference {
		row, claimed := rows[v.metric+" "+v.params]
		if reason := reasonFor(v); claimed == (reason != "") {
			t.Errorf("%s/%s %s %q: claimed %v, reason not to compare %q; want one of both", v.dataset, v.id, v.metric, v.params, claimed, reason)
		}
		if !claimed {
			continue
		}
		name := v.metric + " " + v.params + "\t" + v.dataset
		if verdicts[name] == nil {
			verdicts[name] = &verdict{}
		}
		verdicts[name].add(v, row.of(all[v.dataset+"/"+v.id]), row.tolerance)
	}
	for name, v := range verdicts {
		for _, failed := range v.failed {
			t.Errorf("%s: %s", strings.ReplaceAll(name, "\t", ", "), failed)
		}
	}
	if os.Getenv("PARITY") != "" {
		printParity(verdicts, rows)
	}
}

func reasonFor(v igluValue) string {
	reasons := notCompared()
	maps.Copy(reasons, gridNotCompared())
	for start, reason := range reasons {
		if strings.HasPrefix(v.metric+" "+v.params, start) {
			return reason
		}
	}
	return ""
}

func (v *verdict) add(iglu igluValue, ours, tolerance float64) {
	v.values++
	equal := near(ours, iglu.value, tolerance)
	if reason := igluDiffers()[iglu.id+" "+iglu.metric]; reason != "" {
		v.known++
		if equal {
			v.failed = append(v.failed, fmt.Sprintf("%s: equal, although %q", iglu.id, reason))
		}
		return
	}
	if !equal {
		v.failed = append(v.failed, fmt.Sprintf("%s: got %.15g, iglu %.15g", iglu.id, ours, iglu.value))
	}
	if difference := math.Abs(ours-iglu.value) / max(1, math.Abs(iglu.value)); difference > v.worst {
		v.worst = difference
	}
}

// printParity prints what make parity shows.
func printParity(verdicts map[string]*verdict, rows map[string]parityRow) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer out.Flush()
	fmt.Fprintln(out, "METRIC\tDATASET\tVALUES\tWORST\tTOLERANCE\tVERDICT")
	for _, name := range slices.Sorted(maps.Keys(verdicts)) {
		v := verdicts[name]
		metric, _, _ := strings.Cut(name, "\t")
		words := "agrees"
		if v.known > 0 {
			words = fmt.Sprintf("agrees, %d differ for a reason", v.known)
		}
		if len(v.failed) > 0 {
			words = fmt.Sprintf("%d DISAGREE", len(v.failed))
		}
		fmt.Fprintf(out, "%s\t%d\t%.1g\t%.0g\t%s\n", name, v.values, v.worst, rows[metric].tolerance, words)
	}
}

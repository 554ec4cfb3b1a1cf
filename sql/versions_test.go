package sql_test

import (
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// versionsFile has the version of each metric, and its numbers in a cohort that stays as
// it is: the first of them, and a digest of all.
const versionsFile = "testdata/versions.csv"

// A metric has another version if its numbers are others, and metrics_version says so.
// No -update writes what lacks one.
func TestVersionRisesWithNumbers(t *testing.T) {
	known := knownVersions(t)
	lines := [][]string{{"metric", "version", "first", "digest"}}
	risen := false
	for _, now := range versionsNow(t) {
		before, found := known[now[0]]
		switch changed := found && !slices.Equal(before[2:], now[2:]); {
		case changed && now[1] == before[1]:
			t.Errorf("%s: its numbers begin with %s and were %s (digests %s, %s): raise its version %s, and metrics_version", now[0], now[2], before[2], now[3], before[3], now[1])
		case !found || changed || now[1] != before[1]:
			risen = risen || found && now[0] != "metrics_version"
			if !*update {
				t.Errorf("%s is not in %s as it is, run with -update", now[0], versionsFile)
			}
		}
		lines = append(lines, now)
	}
	if now := lines[len(lines)-1]; risen && now[1] == known[now[0]][1] {
		t.Errorf("the version of a metric rose, but metrics_version of metric_preset is still %s", now[1])
	}
	if *update && !t.Failed() {
		var b strings.Builder
		if err := csv.NewWriter(&b).WriteAll(lines); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(versionsFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func knownVersions(t *testing.T) map[string][]string {
	known := map[string][]string{}
	text, err := os.ReadFile(versionsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		known[line[0]] = line
	}
	return known
}

// versionsNow are the lines of versionsFile, metrics_version the last of them.
func versionsNow(t *testing.T) (lines [][]string) {
	db := openLake(t)
	s := cohort(16)
	s.load(t, db)
	random := rand.New(rand.NewSource(16))
	for _, p := range s.people {
		entries := p.eating(random, "carbs", "calibration", "bloodGlucose")
		for i := range entries {
			if entries[i].kind != "carbs" {
				entries[i].unit, entries[i].value = "mg/dL", float64(40+random.Intn(300))
			}
		}
		enter(t, db, p.id, entries)
	}
	numbers := map[string][]string{}
	read := func(view, order string, of ...string) {
		for _, r := range query(t, db, `select * from `+view+` order by `+order) {
			for _, name := range of {
				numbers[name] = append(numbers[name], rounded(r[name]))
			}
		}
	}
	var all []string
	for _, m := range views.Catalogue() {
		all = append(all, m.Name)
	}
	read("participant_metrics", "participant_id", all...)
	read("daily_metrics", "participant_id, local_date", all...)
	for _, m := range views.FamilyCatalogue() {
		order := map[string]string{"agp_profile": "participant_id, bin_min, bin_start_min"}[m.View]
		if order == "" {
			order = "participant_id"
		}
		read(m.View, order, m.Name)
	}
	spans := metrics.Spans{Rules: metrics.DexetlSpans()}
	for _, p := range s.people {
		span := spans.Of(s.oracleReadings(p))
		for name, value := range span.Columns() {
			numbers[name] = append(numbers[name], rounded(value))
		}
	}
	for _, m := range slices.Concat(views.Catalogue(), views.SpanCatalogue(), views.FamilyCatalogue()) {
		if m.Name != "metrics_version" {
			lines = append(lines, line(m.Name, m.Version, numbers[m.Name]))
		}
	}
	version := query(t, db, `select metrics_version from metric_preset`)[0]["metrics_version"]
	return append(lines, line("metrics_version", fmt.Sprint(version), nil))
}

func line(name, version string, numbers []string) []string {
	first := "-"
	if i := slices.IndexFunc(numbers, func(n string) bool { return n != "null" }); i >= 0 {
		first = numbers[i]
	}
	return []string{name, version, first, fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(numbers, " "))))[:12]}
}

// rounded is a number as any processor computes it.
func rounded(value any) string {
	if at, is := value.(time.Time); is {
		return at.Format(time.RFC3339)
	}
	n, is := toFloat(value)
	switch {
	case value == nil || is && math.IsNaN(n):
		return "null"
	case is:
		return fmt.Sprintf("%.6g", n)
	}
	return fmt.Sprint(value)
}

package sql_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	views "github.com/dexetl/dexetl/sql"
)

const ownDefinition = "own definition"

var citation = regexp.MustCompile(`^[A-Z]\S+( and [A-Z]\S+)? (19|20)\d\d, doi 10\.\d{4,9}/\S+(, to be checked against the paper)?$`)

// Every metric says what it is, in which unit and from where, and which views have it is
// true.
func TestCatalogueIsWhole(t *testing.T) {
	db := openLake(t)
	columns := map[string]bool{}
	for _, r := range query(t, db, `select table_name || '.' || column_name as name from duckdb_columns()`) {
		columns[r["name"].(string)] = true
	}
	names := map[string]bool{}
	for _, m := range slices.Concat(views.Catalogue(), views.SpanCatalogue(), views.FamilyCatalogue(), views.IGLUCatalogue()) {
		if names[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		names[m.Name] = true
		if len(m.Definition) < 10 || m.Unit == "" || !regexp.MustCompile(`^[1-9]\d*$`).MatchString(m.Version) {
			t.Errorf("%s: definition %q, unit %q, version %q", m.Name, m.Definition, m.Unit, m.Version)
		}
		for one := range strings.SplitSeq(m.Citation, "; ") {
			if one != ownDefinition && !citation.MatchString(one) {
				t.Errorf("%s: citation %q, want %s, or an author, the year and a DOI", m.Name, one, ownDefinition)
			}
		}
		if strings.Contains(m.Definition, "share of") && m.Denominator == "" {
			t.Errorf("%s, a share, does not name its denominator", m.Name)
		}
		if m.LOINC != "" && !regexp.MustCompile(`^\d{5,6}-\d$`).MatchString(m.LOINC) {
			t.Errorf("%s: LOINC code %q", m.Name, m.LOINC)
		}
		for _, view := range m.Views() {
			if !columns[view+"."+m.Name] {
				t.Errorf("%s is not in %s", m.Name, view)
			}
		}
	}
}

const metricsPage = "../docs/metrics.md"

// docs/metrics.md lists the catalogue.
func TestMetricsDocumentation(t *testing.T) {
	text, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- catalogue -->\n", "<!-- /catalogue -->"
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the catalogue", metricsPage)
	}
	want := before + begin + cataloguePage() + end + after
	if *update {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is not the catalogue (-want +got), run with -update:\n%s", metricsPage, diff)
	}
}

// cataloguePage is the catalogue in Markdown.
func cataloguePage() string {
	var b strings.Builder
	section := func(title, intro string) {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| metric | unit | definition | source | more | version |\n|---|---|---|---|---|---|\n", title, intro)
	}
	section("Of values, counts and time", "In all five metric views: `participant_metrics`, `daily_metrics`, `period_metrics`, `window_metrics` and `sensor_metrics`.")
	for _, m := range views.Catalogue() {
		b.WriteString(catalogueLine(m.Name, m.Unit, m.Definition, m.Citation, m.Version, m.Denominator, m.LOINC, m.Parameters, m.EdgeCases, m.Views()[5:]))
	}
	section("Of the order of readings", "In all five metric views, too.")
	for _, m := range views.SpanCatalogue() {
		b.WriteString(catalogueLine(m.Name, m.Unit, m.Definition, m.Citation, m.Version, m.Denominator, m.LOINC, m.Parameters, m.EdgeCases, nil))
	}
	view := ""
	for _, m := range views.FamilyCatalogue() {
		if m.View != view {
			view = m.View
			section("Of "+view, "In [`"+view+"`](views.md#"+view+") alone.")
		}
		b.WriteString(catalogueLine(m.Name, m.Unit, m.Definition, m.Citation, m.Version, m.Denominator, m.LOINC, m.Parameters, m.EdgeCases, nil))
	}
	section("Of the preset iglu", "Printed by `dexetl metrics --preset iglu`; in no view.")
	for _, m := range views.IGLUCatalogue() {
		b.WriteString(catalogueLine(m.Name, m.Unit, m.Definition, m.Citation, m.Version, m.Denominator, m.LOINC, m.Parameters, m.EdgeCases, nil))
	}
	return b.String() + "\n"
}

func catalogueLine(name, unit, definition, citation, version, denominator, loinc, parameters, edgeCases string, also []string) string {
	var more []string
	for _, fact := range [][2]string{
		{"share of ", denominator}, {"LOINC ", loinc}, {"parameters: ", parameters}, {"edge cases: ", edgeCases}, {"also in ", strings.Join(also, ", ")},
	} {
		if fact[1] != "" {
			more = append(more, fact[0]+fact[1])
		}
	}
	linked := regexp.MustCompile(`doi (10\.[^\s,;]+)`).ReplaceAllString(inCell(citation), "[doi $1](https://doi.org/$1)")
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |\n", name, unit, inCell(definition), linked, inCell(strings.Join(more, ". ")), version)
}

// inCell is a text as a cell of a Markdown table.
func inCell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(text)
}

// Every row of metrics says by which rules it is computed.
func TestRowsOfMetricsSayTheirRules(t *testing.T) {
	db := openLake(t)
	for _, v := range views.Views() {
		if !strings.Contains(v.Header, "as in metric_catalogue") || v.IsInternal() {
			continue
		}
		for _, name := range []string{"preset", "sentinels", "metrics_version"} {
			if !slices.ContainsFunc(v.Columns, func(c views.Column) bool { return c.Name == name }) {
				t.Errorf("%s has no %s", v.Name, name)
			}
		}
	}
	cohort(3).load(t, db)
	for _, name := range []string{"consensus_metrics", "day_night_metrics", "meal_metrics", "meter_agreement", "agp_profile"} {
		got := table(t, db, `select distinct preset, sentinels, metrics_version from `+name)
		if want := "dexetl-1 as sent " + views.MetricsVersion() + "\n"; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

//go:build linux || darwin

package export

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/export.md")

const page = "../docs/export.md"

// docs/export.md says of each table and column what a de-identified export has of it.
func TestDocs(t *testing.T) {
	content, err := os.ReadFile(page)
	check(t, err)
	const start, end = "<!-- columns: written by `go test ./export -run TestDocs -update` -->\n", "<!-- /columns -->"
	head, rest, found := strings.Cut(string(content), start)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has lost its markers", page)
	}
	want := head + start + "\n" + decisionTables() + "\n" + end + tail
	if want != string(content) && *update {
		check(t, os.WriteFile(page, []byte(want), 0o644))
	} else if want != string(content) {
		t.Errorf("%s is not what the rules say: run with -update", page)
	}
}

// decisionTables are a table of columns, and one of the tables that nobody gets.
func decisionTables() string {
	var b, never strings.Builder
	for _, r := range relations() {
		if !r.mayLeave() {
			fmt.Fprintf(&never, "| `%s` | %s |\n", r.Name, withheld(r.Name))
			continue
		}
		name := "`" + r.Name + "`"
		for _, one := range merged(rulesOf(r.Name)) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, columnsInWords(r, one), one.fate, one.why)
			name = ""
		}
	}
	return "| table | columns | | why |\n|---|---|---|---|\n" + b.String() +
		"\nThese tables are in no de-identified export:\n\n| table | because it has |\n|---|---|\n" + never.String()
}

// merged has one rule for columns that have the same fate for the same reason.
func merged(rules []rule) (all []rule) {
	for _, one := range rules {
		i := slices.IndexFunc(all, func(r rule) bool { return r.fate == one.fate && r.why == one.why })
		if i < 0 {
			i, all = len(all), append(all, rule{fate: one.fate, why: one.why})
		}
		all[i].columns = append(all[i].columns, one.columns...)
	}
	return all
}

// columnsInWords names columns, but metrics one by one.
func columnsInWords(r relation, of rule) string {
	var names []string
	for _, name := range of.columns {
		if r.has(name) {
			names = append(names, "`"+name+"`")
		}
	}
	if len(of.columns) >= len(metrics().columns) {
		return "metrics of `metric_catalogue`"
	}
	return strings.Join(names, ", ")
}

// withheld says why a table is in no de-identified export.
func withheld(table string) string {
	switch table {
	case "connections":
		return "accounts at Dexcom, and since when"
	case "settings":
		return "how this study is set up, with paths and addresses"
	case "audit":
		return "who did what here, and what was there before"
	case "coverage", "fetch_status", "study_bounds", "vanish_pending":
		return "when this machine asked last: alike for many, so that it would tell the weeks"
	case "study_intervals":
		return "time zones, and the dates of the study"
	case "runs":
		return "when this machine worked, and how"
	case "requests":
		return "what this machine asked and when, with hashes of answers"
	case "rejects", "changes":
		return "records as they were sent, dates and ids in the text"
	case "span_metrics":
		return "texts with the times of sensors, and hashes of readings that can be tested by guessing; the metrics are in the other tables"
	case notesTable:
		return "free text, in which people are named"
	}
	return ""
}

package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/snapshot"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

const viewsPage = "../../docs/views.md"

// docs/views.md says what codebook.csv and the heads of the views say, shows rows of
// each table and view, and answers ten questions: with the columns, rows and answers
// of a study that this test makes.
func TestViewsDocumentation(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	w := viewsStudy(t)
	b := w.bench
	text, err := os.ReadFile(viewsPage)
	check(t, err)
	want := b.withColumns(string(text))
	want = b.withAnswers(want)
	if *update && masked(want) != masked(string(text)) {
		check(t, os.WriteFile(viewsPage, []byte(want), 0o644))
		text = []byte(want)
	}
	if diff := cmp.Diff(masked(want), masked(string(text))); diff != "" {
		t.Errorf("%s is not what the program says (-want +got), run with -update:\n%s", viewsPage, diff)
	}
	w.checkQuestions(string(text))
}

// masked is a text without what no two runs have in common.
func masked(text string) string {
	text = regexp.MustCompile(`\b01[0-9A-HJKMNP-TV-Z]{24}\b`).ReplaceAllString(text, "ULID")
	return regexp.MustCompile(`\b[0-9]+:[0-9]{4,}\b`).ReplaceAllString(text, "POSITION")
}

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```\n\n```\n(.*?)```\n")

// withAnswers is the page with what dexetl query says to each statement that has rows
// below it.
func (b *bench) withAnswers(page string) string {
	b.t.Helper()
	found := sqlBlock.FindAllStringSubmatch(page, -1)
	answers := make([]string, len(found))
	var group errgroup.Group
	group.SetLimit(4)
	for i, m := range found {
		group.Go(func() error {
			code, stdout, stderr := b.run("query", m[1])
			if code != exitDone {
				return fmt.Errorf("exit %d\n%s\n%s", code, m[1], stderr)
			}
			answers[i] = stdout
			return nil
		})
	}
	check(b.t, group.Wait())
	n := -1
	return sqlBlock.ReplaceAllStringFunc(page, func(string) string {
		n++
		return "```sql\n" + found[n][1] + "```\n\n```\n" + trimLines(answers[n]) + "```\n"
	})
}

// trimLines takes the blanks from the ends of lines.
func trimLines(text string) string { return regexp.MustCompile(`(?m) +$`).ReplaceAllString(text, "") }

// withColumns is the page with what the program says of each table and view.
func (b *bench) withColumns(page string) string {
	b.t.Helper()
	book := b.codebook()
	written := map[string]bool{}
	page = regexp.MustCompile(`(?s)<!-- (\w+) -->\n.*?<!-- /(\w+) -->`).ReplaceAllStringFunc(page, func(part string) string {
		name := regexp.MustCompile(`\w+`).FindString(part)
		written[name] = true
		return "<!-- " + name + " -->\n\n" + b.describe(name, book) + "\n<!-- /" + name + " -->"
	})
	for _, line := range book {
		if name := line[0]; line[1] == "" && !hidden(name) {
			section := sectionOf(page, "### "+name)
			if !written[name] || !regexp.MustCompile("```sql\n[^`]*\\b"+name+"\\b").MatchString(section) {
				b.t.Errorf("%s has no section with the columns of %s and a statement that shows its rows", viewsPage, name)
			}
		}
	}
	return page
}

// sectionOf is the part of a page from a heading to the next one.
func sectionOf(page, heading string) string {
	_, rest, _ := strings.Cut(page, "\n"+heading+"\n")
	if end := regexp.MustCompile(`(?m)^##`).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return rest
}

// codebook is the newest snapshot's, line by line.
func (b *bench) codebook() [][]string {
	b.t.Helper()
	f, err := os.Open(filepath.Join(b.dir, "lake/latest/codebook.csv"))
	check(b.t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	check(b.t, err)
	return lines[1:]
}

// hidden reports whether no session shows the table called name.
func hidden(name string) bool {
	return slices.ContainsFunc(transform.Tables(), func(t transform.Table) bool { return t.Name == name && t.Hidden })
}

// describe is the part of the page that is about the table or view called name: what
// it is, what is to be known of it, and its columns.
func (b *bench) describe(name string, book [][]string) string {
	switch name {
	case "every_record":
		return columnsTable(slices.DeleteFunc(columnsOf("egvs", book), func(line []string) bool { return !sharedColumn(line[1], book) }))
	}
	var text strings.Builder
	itself := slices.IndexFunc(book, func(line []string) bool { return line[0] == name && line[1] == "" })
	if itself < 0 {
		b.t.Fatalf("%s: there is no %s", viewsPage, name)
	}
	fmt.Fprintf(&text, "%s.\n", capital(book[itself][4]))
	text.WriteString(notesOf(name))
	columns, rest := columnsOf(name, book), ""
	switch {
	case name == "span_metrics":
		columns = slices.DeleteFunc(columns, func(line []string) bool { return isSpanMetric(line[1]) })
		rest = "\nAnd those of [the metrics](#the-metrics) from `mag_mgdl_h` on.\n"
	case isRecord(name):
		columns = slices.DeleteFunc(columns, func(line []string) bool { return sharedColumn(line[1], book) })
		rest = "\nAnd the [columns of every record](#columns-of-every-record).\n"
	case slices.ContainsFunc(columns, func(line []string) bool { return line[1] == "active_window_pct" }) && name != "completeness":
		var named []string
		columns = slices.DeleteFunc(columns, func(line []string) bool {
			if isMetric(line[1]) {
				named = append(named, "`"+line[1]+"`")
			}
			return isMetric(line[1])
		})
		rest = "\nAnd [the metrics](#the-metrics).\n"
		if len(named) < len(views.Catalogue())+len(views.SpanCatalogue()) {
			rest = "\nAnd of [the metrics](#the-metrics) " + strings.Join(named, ", ") + ".\n"
		}
	}
	return text.String() + "\n" + columnsTable(columns) + rest
}

// notesOf is the key of a table, or what the head of a view says beside its grain.
func notesOf(name string) string {
	for _, t := range slices.Concat(transform.Tables(), snapshot.Computed()) {
		if t.Name == name {
			return fmt.Sprintf("Key: %s.\n", strings.Join(t.Key, ", "))
		}
	}
	text := "\n| | |\n|---|---|\n"
	for _, v := range views.Views() {
		for _, n := range v.Notes {
			if v.Name == name && n.Word != "Grain" {
				text += fmt.Sprintf("| **%s** | %s |\n", strings.ToLower(n.Word), cell(n.Text))
			}
		}
	}
	return text
}

func columnsOf(name string, book [][]string) (columns [][]string) {
	for _, line := range book {
		if line[0] == name && line[1] != "" {
			columns = append(columns, line)
		}
	}
	return columns
}

// columnsTable lists columns, with null behind the type of those of tables that may be
// null: those of views may be wherever they say so.
func columnsTable(columns [][]string) string {
	text := "| column | type | meaning |\n|---|---|---|\n"
	for _, line := range columns {
		if line[3] == "true" {
			line = slices.Concat(line[:2], []string{line[2] + ", *null*"}, line[3:])
		}
		text += fmt.Sprintf("| `%s` | %s | %s |\n", line[1], line[2], cell(line[4]))
	}
	return text
}

// isSpanMetric reports whether a column depends on the order of readings.
func isSpanMetric(name string) bool {
	for _, m := range views.SpanCatalogue() {
		if m.Name == name {
			return true
		}
	}
	return false
}

func isMetric(name string) bool {
	for _, m := range views.Catalogue() {
		if m.Name == name {
			return true
		}
	}
	return isSpanMetric(name)
}

// isRecord reports whether a table has a row per record of a resource.
func isRecord(name string) bool {
	return slices.Contains([]string{"egvs", "events", "calibrations", "alerts"}, name)
}

// sharedColumn reports whether all tables of records have the column.
func sharedColumn(column string, book [][]string) bool {
	n := 0
	for _, line := range book {
		if isRecord(line[0]) && line[1] == column {
			n++
		}
	}
	return n == 4
}

// cell is a text as a cell of a Markdown table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(text)
}

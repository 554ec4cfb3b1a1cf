package sql_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	views "github.com/dexetl/dexetl/sql"
)

// Every view must work in a study that has just begun.
func TestViewsOnEmptyLake(t *testing.T) {
	db := openLake(t)
	constant := []string{"metric_catalogue", "metric_preset", views.Internal + ".metric_settings", views.Internal + ".value_scores"}
	for _, v := range views.Views() {
		got := query(t, db, `select * from `+v.Name)
		if wantRows := slices.Contains(constant, v.Name); wantRows != (len(got) > 0) {
			t.Errorf("select * from %s on an empty lake: got %d rows", v.Name, len(got))
		}
	}
	for _, s := range []views.Selection{
		{}, {Window: "baseline"}, {LastDays: 14}, {From: "2025-01-01", To: "2025-01-14", Participants: []string{"P001"}},
	} {
		statement, args := s.Query()
		if got := query(t, db, statement, args...); len(got) != 0 {
			t.Errorf("%+v on an empty lake: got %v, want no rows", s, got)
		}
	}
}

func TestEveryFileIsAView(t *testing.T) {
	var names []string
	for _, v := range views.Views() {
		names = append(names, strings.ReplaceAll(v.Name, ".", "/")+".sql")
	}
	slices.Sort(names)
	folder := os.DirFS("views")
	entries, err := fs.Glob(folder, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	internal, err := fs.Glob(folder, views.Internal+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	entries = slices.Sorted(slices.Values(slices.Concat(entries, internal)))
	if !slices.Equal(names, entries) {
		t.Errorf("Views() lists %v, the folder holds %v", names, entries)
	}
}

// The header is what a reader of the SQL sees first, and where the comments of
// columns come from.
func TestHeaders(t *testing.T) {
	for _, v := range views.Views() {
		for _, heading := range []string{"-- " + v.Name + ": ", "\n-- Grain ", "\n-- Source ", "\n-- Units ", "\n-- Nulls ", "\n-- Columns"} {
			if !strings.Contains(v.Header, heading) {
				t.Errorf("view %s: header lacks %q", v.Name, heading)
			}
		}
		if len(v.Comment) < 20 || strings.Contains(v.Comment, "--") {
			t.Errorf("view %s: comment %q is no sentence", v.Name, v.Comment)
		}
	}
}

func TestStyle(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)select\s+\*|->`)
	files, err := filepath.Glob("*.sql")
	if err != nil {
		t.Fatal(err)
	}
	inViews, err := filepath.Glob("views/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	inInternal, err := filepath.Glob("views/internal/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(files, inViews, inInternal) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(string(text)); found != "" {
			t.Errorf("%s contains %q", name, found)
		}
	}
}

// Every column of every view is described, and nothing else is.
func TestColumnsDescribed(t *testing.T) {
	db := openLake(t)
	for _, v := range views.Views() {
		described := map[string]string{}
		for _, c := range v.Columns {
			if _, twice := described[c.Name]; twice {
				t.Errorf("view %s: column %s described twice", v.Name, c.Name)
			}
			if c.Comment == "" {
				t.Errorf("view %s: column %s has an empty comment", v.Name, c.Name)
			}
			described[c.Name] = c.Comment
		}
		for _, r := range query(t, db, `describe `+v.Name) {
			name := r["column_name"].(string)
			if _, known := described[name]; !known {
				t.Errorf("view %s: column %s is not described", v.Name, name)
			}
			delete(described, name)
		}
		for name := range described {
			t.Errorf("view %s: describes column %s, which it lacks", v.Name, name)
		}
	}
}

func TestCatalogueOrder(t *testing.T) {
	db := openLake(t)
	var want []string
	for _, m := range views.Catalogue() {
		want = append(want, m.Name)
	}
	inScopes := slices.Clone(want)
	for _, m := range views.SpanCatalogue() {
		want = append(want, m.Name)
	}
	for view, want := range map[string][]string{
		"participant_metrics": want, "daily_metrics": want, "period_metrics": want, "window_metrics": want, "sensor_metrics": want, "internal.scope_metrics": inScopes, "internal.day_metrics": inScopes,
	} {
		var got []string
		for _, r := range query(t, db, `describe `+view) {
			got = append(got, r["column_name"].(string))
		}
		if former := "window"; got[len(got)-1] == former { // stays one format long
			got = got[:len(got)-1]
		}
		if len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
			t.Errorf("columns of %s: got %v, want to end in the catalogue %v", view, got, want)
		}
	}
	for _, m := range slices.Concat(views.FamilyCatalogue(), views.IGLUCatalogue()) {
		want = append(want, m.Name)
	}
	var got []string
	for _, r := range query(t, db, `select metric from metric_catalogue`) {
		got = append(got, r["metric"].(string))
	}
	if !slices.Equal(got, want) {
		t.Errorf("metric_catalogue: got %v, want %v", got, want)
	}
}

// Every column of every table and view can be named without quotes, but for former
// names.
func TestNoColumnIsReserved(t *testing.T) {
	db := openLake(t)
	got := table(t, db, `select c.table_name, c.column_name
		from duckdb_columns() c join duckdb_keywords() k on k.keyword_name = lower(c.column_name)
		where not c.internal and k.keyword_category in ('reserved', 'type_function') order by all`)
	if want := "audit at\nwindow_metrics window\nwindows window\n"; got != want {
		t.Errorf("columns that are reserved words: got\n%s, want the former names\n%s", got, want)
	}
}

// Comments are read where no head is, so they refer to none of its words.
func TestCommentsStandAlone(t *testing.T) {
	for _, v := range views.Views() {
		for _, c := range v.Columns {
			for _, n := range v.Notes {
				if strings.Contains(c.Comment, "see "+n.Word) {
					t.Errorf("view %s: the comment of %s refers to %s of the head", v.Name, c.Name, n.Word)
				}
			}
		}
		if !strings.Contains(v.Comment, "; one row") {
			t.Errorf("view %s: the comment %q lacks the grain", v.Name, v.Comment)
		}
	}
}

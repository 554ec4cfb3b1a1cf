//go:build linux || darwin

package snapshot

import (
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

var update = flag.Bool("update", false, "write template.duckdb anew")

// template.duckdb is what DuckDB makes of the tables and views as they are today, and
// nothing else is in it.
func TestTemplate(t *testing.T) {
	t.Parallel()
	made := filepath.Join(t.TempDir(), "made.duckdb")
	if err := execute(t.Context(), made, templateStatements(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		content, err := os.ReadFile(made)
		if err == nil {
			err = os.WriteFile("template.duckdb", content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want, got := definitions(t, made), definitions(t, "template.duckdb")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("template.duckdb is not what is in the program (-want +got), run with -update:\n%s", diff)
	}
}

// templateStatements make the template over a lake without rows. Each view is bound
// over tables, and described, as long as the views that it reads are empty.
func templateStatements(t *testing.T) []string {
	t.Helper()
	l := newLake(t)
	m, err := l.Begin(lake.Manifest{}).Finish(t.Context(), lake.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	p := publisher{lake: l, root: l.Root(), manifest: m, folder: folderOf(m.Snapshot), damage: make(damage)}
	if err := p.link(t.Context()); err != nil {
		t.Fatal(err)
	}
	folder, err := Folder(l, m.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	statements := []string{folderMacro(folder + "/")}
	for _, table := range tables() {
		statements = append(statements, relation(table, m, inFolder(table)))
	}
	if err := os.Mkdir(filepath.Join(folder, storedDays), 0o700); err != nil {
		t.Fatal(err)
	}
	days := filepath.Join(folder, storedDays, wholeName+".parquet")
	stranger(t, "", "copy ("+noDays()+") to "+text(days)+" (format parquet)")
	chosen := withDays(views.Views(), "snapshot_folder() || "+daysPattern)
	return slices.Concat(statements, []string{createSchema}, views.Create(chosen), comments(), []string{folderMacro("")})
}

// noDays has the columns of stored days.
func noDays() string {
	var columns []string
	for name, kind := range daysView().Types {
		columns = append(columns, "null::"+kind+" as "+name)
	}
	empty := "(select " + strings.Join(columns, ", ") + " where false)"
	return strings.ReplaceAll(views.PackedDays(), "from daily_metrics", "from "+empty)
}

// definitions are all that somebody has defined in a database, line by line.
func definitions(t *testing.T, file string) []string {
	t.Helper()
	db, err := sql.Open("duckdb", file+"?access_mode=read_only")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all []string
	for _, query := range []string{
		"select 'table', table_name from duckdb_tables()",
		"select 'index', index_name from duckdb_indexes()",
		"select 'sequence', sequence_name from duckdb_sequences()",
		"select 'schema', schema_name from duckdb_schemas() where not internal order by all",
		"select 'type', type_name from duckdb_types() where not internal",
		"select 'macro', function_name, macro_definition from duckdb_functions() where not internal",
		"select 'view', view_name, comment, sql from duckdb_views() where not internal order by view_name",
		"select 'column', table_name, column_name, data_type, comment from duckdb_columns() where not internal order by table_name, column_index",
	} {
		all = append(all, ask(t, db, query)...)
	}
	return all
}

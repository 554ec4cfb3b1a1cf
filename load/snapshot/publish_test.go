package snapshot

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// latest returns the number of rows of glucose in the database of latest,
// opened as a stranger would.
func latest(t *testing.T, l *lake.Lake) string {
	t.Helper()
	return stranger(t, filepath.Join(l.Path(), "latest", "dexetl.duckdb")+"?access_mode=read_only", "select count(*) from glucose")[0]
}

func stranger(t *testing.T, source, query string) []string {
	t.Helper()
	db, err := sql.Open("duckdb", source)
	if err != nil {
		t.Fatalf("DuckDB opens %s: %v", source, err)
	}
	defer db.Close()
	return ask(t, db, query)
}

func publish(t testing.TB, l *lake.Lake, m lake.Manifest) {
	t.Helper()
	if harm, err := Publish(t.Context(), l, m, nil); err != nil || len(harm) > 0 {
		t.Fatalf("Publish(snapshot %d): %v, %v", m.Snapshot, harm, err)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := commit(t, l, "P001", 10)
	publish(t, l, m)
	if got := latest(t, l); got != "10" {
		t.Errorf("rows of glucose in latest = %s, want 10", got)
	}
	root := filepath.Join(l.Path(), "latest")
	for _, table := range tables() {
		pattern := filepath.Join(table.Name, "*.parquet")
		if table.Time != "" {
			pattern = filepath.Join(table.Name, "*", "*.parquet")
		}
		if files, err := fs.Glob(os.DirFS(root), pattern); err != nil || len(files) != 1 {
			t.Errorf("files of %s in latest = %q, %v; want one", pattern, files, err)
		}
	}
	same(t, filepath.Join(l.Path(), m.TableFiles("glucose")[0].Path), filepath.Join(root, "glucose", "month=2026-03"))
	if _, err := os.Stat(filepath.Join(root, "event_notes")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("event_notes in latest: %v, want none", err)
	}
	for _, name := range []string{"dexetl.duckdb", "views.sql", "codebook.csv"} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s: %v, %v; want a file nobody writes", name, info, err)
		}
	}
}

// A lake may lie in a folder of any name, and its database be one of several.
func TestPublishBelowAnyName(t *testing.T) {
	t.Parallel()
	l := newLakeIn(t, "100% of [one]#'")
	publish(t, l, commit(t, l, "P001", 10))
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"attach " + text(filepath.Join(l.Path(), "latest", databaseName)) + " as one (read_only)",
		"create macro snapshot_folder() as 'elsewhere'",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if got := ask(t, db, "select count(*) from one.readings_mmol"); got[0] != "10" {
		t.Errorf("rows of readings_mmol = %s, want 10", got)
	}
}

// same checks that folder has a hard link to file under its name.
func same(t *testing.T, file, folder string) {
	t.Helper()
	a, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(filepath.Join(folder, filepath.Base(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(a, b) {
		t.Errorf("%s in %s is another file, want a hard link", filepath.Base(file), folder)
	}
}

// Every view answers on a lake without any row, with the columns of the
// schema, in the database, from views.sql after a move, and in a session.
func TestEmptyLake(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	c := l.Begin(lake.Manifest{})
	m, err := c.Finish(t.Context(), lake.Manifest{})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	publish(t, l, m)
	database, err := sql.Open("duckdb", filepath.Join(l.Path(), "latest", "dexetl.duckdb")+"?access_mode=read_only")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	session, err := Open(t.Context(), l, lake.Manifest{}, nil, Limits{})
	if err != nil {
		t.Fatalf("Open(empty): %v", err)
	}
	defer session.Close()
	for name, db := range map[string]*sql.DB{"database": database, "session": session} {
		for _, table := range tables() {
			var want []string
			for _, c := range table.Columns {
				want = append(want, c.Name+" "+strings.ToUpper(sqlType(c.Type)))
			}
			got := ask(t, db, "select column_name || ' ' || column_type from (describe "+identifier(table.Name)+")")
			if !slices.Equal(got, want) {
				t.Errorf("%s: columns of %s = %q, want %q", name, table.Name, got, want)
			}
		}
		for _, v := range views.Views() {
			ask(t, db, "select count(*) from "+qualified(v.Name))
		}
	}
}

func TestViewsScriptOpensMovedLake(t *testing.T) {
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 10))
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.CopyFS(moved, os.DirFS(filepath.Join(l.Path(), "snapshots", "000001"))); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(moved, "views.sql"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(moved)
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatalf("views.sql: %v", err)
	}
	if got := ask(t, db, "select count(*) from readings_mmol"); got[0] != "10" {
		t.Errorf("rows of readings_mmol = %s, want 10", got)
	}
}

// What two snapshots say alike is one file; what somebody has changed is not taken over.
func TestAlikeIsLinked(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 1))
	folder := func(n int64) string { name, _ := Folder(l, n); return name }
	empty := filepath.Join("egvs", "month=none", "empty.parquet")
	if err := scribble(filepath.Join(folder(1), codebookName), func(b []byte) { b[0]++ }); err != nil {
		t.Fatal(err)
	}
	publish(t, l, commit(t, l, "P002", 1))
	publish(t, l, commit(t, l, "P003", 1))
	for _, name := range []string{viewsName, empty} {
		same(t, filepath.Join(folder(1), name), filepath.Dir(filepath.Join(folder(2), name)))
	}
	same(t, filepath.Join(folder(2), codebookName), folder(3))
	if book, err := os.ReadFile(filepath.Join(folder(2), codebookName)); err != nil || !bytes.Equal(book, WholeCodebook()) {
		t.Errorf("codebook.csv was taken over as somebody changed it: %v", err)
	}
}

// Columns are described where people look: in the database and the codebook.
func TestComments(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 1))
	source := filepath.Join(l.Path(), "latest", "dexetl.duckdb") + "?access_mode=read_only"
	if bare := stranger(t, source, "select table_name || '.' || column_name from duckdb_columns() where comment is null and not internal"); len(bare) != 0 {
		t.Errorf("columns without a comment in dexetl.duckdb: %q", bare)
	}
	if bare := stranger(t, source, "select view_name from duckdb_views() where comment is null and not internal"); len(bare) != 0 {
		t.Errorf("views without a comment in dexetl.duckdb: %q", bare)
	}
	f, err := os.Open(filepath.Join(l.Path(), "latest", "codebook.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	book, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("codebook.csv: %v", err)
	}
	want := []string{"egvs", "glucose_mgdl", "smallint", "true", "mg/dL as sent; 39 means below 40, 401 above 400"}
	if !slices.ContainsFunc(book, func(line []string) bool { return slices.Equal(line, want) }) {
		t.Errorf("codebook.csv lacks %q", want)
	}
	for _, line := range book {
		itself := line[1] == "" && slices.Contains([]string{"table", "view"}, line[2])
		if line[0] == "" || line[1] == "" && !itself || line[2] == "" || line[4] == "" {
			t.Errorf("codebook.csv: %q is incomplete", line)
		}
	}
	for _, v := range views.Views() {
		want := []string{v.Name, "", "view", "", v.Comment}
		if found := slices.ContainsFunc(book, func(line []string) bool { return slices.Equal(line, want) }); found == v.IsInternal() {
			t.Errorf("codebook.csv has %q: %t", want, found)
		}
	}
}

// escape quotes a path for filepath.Glob.
func escape(name string) string { return strings.NewReplacer("[", `\[`, "*", `\*`).Replace(name) }

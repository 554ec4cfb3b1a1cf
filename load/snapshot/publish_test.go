package snapshot

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// The folders that latest led to in the last day stay for their readers; older ones go.
func TestFoldersKept(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for n, hours := range []time.Duration{0, 1, 40, 42, 65} {
		l.Now = func() time.Time { return start.Add(hours * time.Hour) }
		m := commit(t, l, fmt.Sprintf("P%03d", n), 1)
		if n == 1 {
			continue // a commit without a folder
		}
		publish(t, l, m)
	}
	if got, want := folders(t, l), []string{"000003", "000004", "000005"}; !slices.Equal(got, want) {
		t.Errorf("folders = %q, want %q", got, want)
	}
	if got := latest(t, l); got != "5" {
		t.Errorf("rows of glucose in latest = %s, want 5", got)
	}
}

// The folder of a snapshot that somebody opened stays, unless somebody withdraws.
func TestOpenedFolderStays(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var first lake.Manifest
	for n, hours := range []time.Duration{0, 30, 60, 90} {
		l.Now = func() time.Time { return start.Add(hours * time.Hour) }
		if n > 0 {
			if err := l.MarkOpened(first.ID()); err != nil {
				t.Fatal(err)
			}
		}
		m := commit(t, l, fmt.Sprintf("P%03d", n), 1)
		if n == 0 {
			first = m
		}
		publish(t, l, m)
	}
	if got, want := folders(t, l), []string{"000001", "000003", "000004"}; !slices.Equal(got, want) {
		t.Errorf("folders = %q, want %q", got, want)
	}
	publish(t, l, withdrawIn(t, l, "P001"))
	if got, want := folders(t, l), []string{"000005"}; !slices.Equal(got, want) {
		t.Errorf("after a withdrawal folders = %q, want %q", got, want)
	}
}

// folders are the names of the folders that there are.
func folders(t *testing.T, l *lake.Lake) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(escape(l.Path()), "snapshots", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

// escape quotes a path for filepath.Glob.
func escape(name string) string { return strings.NewReplacer("[", `\[`, "*", `\*`).Replace(name) }

// A withdrawal ends every folder that does not show it, and no other, also where an
// earlier publish did not come to that.
func TestWithdrawalEndsFolders(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 1))
	publish(t, l, commit(t, l, "P002", 1))
	publish(t, l, withdrawIn(t, l, "P001"))
	publish(t, l, commit(t, l, "P003", 1))
	if got, want := folders(t, l), []string{"000003", "000004"}; !slices.Equal(got, want) {
		t.Errorf("folders = %q, want %q", got, want)
	}
}

// withdrawIn commits a withdrawal.
func withdrawIn(t *testing.T, l *lake.Lake, id string) lake.Manifest {
	t.Helper()
	parent, err := l.Current()
	if err != nil {
		t.Fatalf("Current: %v", err)
	}
	c := l.Begin(parent)
	c.Add(writeMonth(t, c, "withdrawals", id, time.Time{}, 1))
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return m
}

// A manifest that is damaged cannot say which withdrawals its folder knew, so the
// folder goes. One that cannot be read at the moment says nothing of it.
func TestFolderOfAnUnreadableManifest(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string) error
		kept  bool
	}{
		"damaged":        {func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) }, false},
		"gone":           {func(string) error { return nil }, false},
		"cannot be read": {func(path string) error { return os.Mkdir(path, 0o700) }, true},
	} {
		l := newLake(t)
		first := commit(t, l, "P1", 1)
		publish(t, l, first)
		second := commit(t, l, "P2", 1)
		path := filepath.Join(l.Path(), "manifests", fmt.Sprintf("%012d.json", first.Snapshot))
		if err := errors.Join(os.Remove(path), c.spoil(path)); err != nil {
			t.Fatal(err)
		}
		_, err := Publish(t.Context(), l, second, nil)
		folder, _ := Folder(l, first.Snapshot)
		_, gone := os.Stat(folder)
		if kept := gone == nil; kept != c.kept || (err != nil) != c.kept {
			t.Errorf("manifest %s: the folder is kept: %t, Publish says %v; want %t, and an error only then", name, kept, err, c.kept)
		}
	}
}

// repair publishes what is newest once more.
func repair(t *testing.T, l *lake.Lake) ([]*lake.DamageError, error) {
	t.Helper()
	m, err := l.Current()
	if err != nil {
		t.Fatalf("Current: %v", err)
	}
	return Publish(t.Context(), l, m, nil)
}

// Whatever an interrupted Publish left, or somebody removed, the next one puts right.
func TestRepair(t *testing.T) {
	t.Parallel()
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		harm func(t *testing.T, root string)
	}{
		{"nothing", func(*testing.T, string) {}},
		{"no latest", func(t *testing.T, root string) { must(t, os.Remove(root+"/latest")) }},
		{"latest behind", func(t *testing.T, root string) {
			must(t, os.Remove(root+"/latest"))
			must(t, os.Symlink("snapshots/000001", root+"/latest"))
		}},
		{"half a latest", func(t *testing.T, root string) { must(t, os.Symlink("nowhere", root+"/.latest")) }},
		{"no folder", func(t *testing.T, root string) { must(t, os.RemoveAll(root+"/snapshots/000002")) }},
		{"half a folder", func(t *testing.T, root string) {
			must(t, os.RemoveAll(root+"/snapshots/000002/glucose"))
			must(t, os.Rename(root+"/snapshots/000002", root+"/snapshots/.000002"))
		}},
		{"half an empty table", func(t *testing.T, root string) {
			must(t, os.Truncate(root+"/snapshots/000002/egvs/month=none/empty.parquet", 10))
		}},
		{"half a codebook", func(t *testing.T, root string) {
			must(t, os.Truncate(root+"/snapshots/000002/codebook.csv", 10))
		}},
		{"half a database", func(t *testing.T, root string) {
			must(t, os.Rename(root+"/snapshots/000002/dexetl.duckdb", root+"/snapshots/000002/.dexetl.duckdb"))
			must(t, os.WriteFile(root+"/snapshots/000002/.dexetl.duckdb.wal", []byte("x"), 0o600))
			must(t, os.Remove(root+"/snapshots/000002/views.sql"))
		}},
		{"views of an older program", func(t *testing.T, root string) {
			must(t, os.Chmod(root+"/snapshots/000002/views.sql", 0o600))
			must(t, os.WriteFile(root+"/snapshots/000002/views.sql", []byte("select 1"), 0o600))
			must(t, os.Remove(root+"/snapshots/000002/dexetl.duckdb"))
		}},
		{"tables of an older program", func(t *testing.T, root string) {
			must(t, os.RemoveAll(root+"/snapshots/000002/withdrawals"))
			must(t, os.Remove(root+"/snapshots/000002/views.sql"))
			must(t, os.Remove(root+"/snapshots/000002/dexetl.duckdb"))
		}},
	}
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 1))
	publish(t, l, commit(t, l, "P002", 1))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.harm(t, l.Path())
			if harm, err := repair(t, l); err != nil || len(harm) > 0 {
				t.Fatalf("Publish: %v, %v", harm, err)
			}
			if got := latest(t, l); got != "2" {
				t.Errorf("rows of glucose in latest = %s, want 2", got)
			}
			if got := stranger(t, filepath.Join(l.Path(), "latest", "dexetl.duckdb")+"?access_mode=read_only", "select count(*) from egvs")[0]; got != "0" {
				t.Errorf("rows of egvs in latest = %s, want 0", got)
			}
			if !holds(l.Root(), "latest/codebook.csv", WholeCodebook()) {
				t.Error("codebook.csv is not the program's")
			}
			left, _ := filepath.Glob(filepath.Join(escape(l.Path()), "snapshots", "000002", ".*"))
			if len(left) != 0 {
				t.Errorf("left in the folder: %q", left)
			}
		})
	}
}

func TestRepairEmptyLake(t *testing.T) {
	l := newLake(t)
	if harm, err := repair(t, l); err != nil || len(harm) > 0 {
		t.Errorf("Publish(empty lake): %v, %v", harm, err)
	}
	if _, err := os.Lstat(filepath.Join(l.Path(), "latest")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("latest of an empty lake: %v, want none", err)
	}
}

// A table that a folder lacks, and a file of one that it has, is put right, also
// when the data file has to come back first.
func TestRepairFolder(t *testing.T) {
	t.Parallel()
	for what, remove := range map[string]func(folder, file string) error{
		"table": func(folder, _ string) error { return os.RemoveAll(filepath.Join(folder, "glucose")) },
		"file":  func(folder, file string) error { return os.Remove(filepath.Join(folder, "glucose", file)) },
		"half":  func(folder, file string) error { return cutLink(filepath.Join(folder, "glucose", file)) },
	} {
		t.Run(what, func(t *testing.T) {
			l := newLake(t)
			m := commit(t, l, "P001", 1)
			publish(t, l, m)
			f := m.TableFiles("glucose")[0]
			file := filepath.Join(l.Path(), f.Path)
			shown := filepath.Join("month=2026-03", filepath.Base(f.Path))
			if err := errors.Join(remove(filepath.Join(l.Path(), "snapshots", "000001"), shown), os.Rename(file, file+".lost")); err != nil {
				t.Fatal(err)
			}
			if harm, err := repair(t, l); err != nil || len(harm) != 1 || harm[0].Path != f.Path {
				t.Errorf("Publish without %s = %v, %v; want its damage", f.Path, harm, err)
			}
			if err := os.Rename(file+".lost", file); err != nil {
				t.Fatal(err)
			}
			if harm, err := repair(t, l); err != nil || len(harm) > 0 {
				t.Fatalf("Publish with the file back: %v, %v", harm, err)
			}
			if got := latest(t, l); got != "1" {
				t.Errorf("rows of glucose in latest = %s, want 1", got)
			}
		})
	}
}

// cutLink puts half of a file in its place; other links to it stay whole.
func cutLink(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(name), os.WriteFile(name, content[:len(content)/2], 0o600))
}

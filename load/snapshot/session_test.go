//go:build linux || darwin

package snapshot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	first := commit(t, l, "P001", 3)
	second := commit(t, l, "P002", 4)
	for _, test := range []struct {
		m    lake.Manifest
		want string
	}{{lake.Manifest{}, "0"}, {first, "3"}, {second, "7"}} {
		db, err := Open(t.Context(), l, test.m, nil, Limits{Memory: "200MB", Threads: 1})
		if err != nil {
			t.Fatalf("Open(snapshot %d): %v", test.m.Snapshot, err)
		}
		if got := ask(t, db, "select count(*) from glucose"); got[0] != test.want {
			t.Errorf("snapshot %d has %s rows of glucose, want %s", test.m.Snapshot, got, test.want)
		}
		settings := "select current_setting('threads'), current_setting('memory_limit'), current_setting('TimeZone')"
		if got := ask(t, db, settings); got[0] != "1 190.7 MiB UTC" {
			t.Errorf("threads, memory, time zone = %s, want 1, 200 MB, UTC", got)
		}
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// Statements that other people write read the snapshot and nothing else.
func TestSessionIsLockedDown(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.txt")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(outside)
	l := newLake(t)
	m := commit(t, l, "P001", 3)
	data := filepath.Join(l.Path(), m.TableFiles("glucose")[0].Path)
	notes := filepath.Join(l.Path(), m.TableFiles("event_notes")[0].Path)
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	for _, statement := range []string{
		"select * from read_text('/etc/passwd')",
		"select * from read_csv('/etc/passwd')",
		"from '/etc/passwd'",
		"select * from read_text(" + text(secret) + ")",
		"select * from read_text('secret.txt')",
		"select * from glob('/*')",
		"select * from read_parquet(" + text(noPattern(notes)) + ")",
		"select * from event_notes",
		"select 1; copy (select 1) to " + text(data) + " (use_tmp_file false)",
		"copy (select 1) to " + text(data) + " (use_tmp_file false)",
		"copy (select 1) to 'new.csv'",
		"explain analyze copy (select 1) to " + text(data) + " (use_tmp_file false)",
		"prepare x as copy (select 1) to " + text(data) + " (use_tmp_file false)",
		"export database 'new'",
		"attach 'new.db'",
		"create table t (a integer)",
		"drop view glucose",
		"set threads = 4",
		"set lock_configuration = false",
		"reset enable_external_access",
		"install httpfs",
		"load httpfs",
		"call enable_logging()",
		"pragma memory_limit='3GB'",
		"begin",
		"create secret s (type s3)",
		"",
	} {
		rows, err := db.QueryContext(t.Context(), statement)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if err == nil {
			t.Errorf("query %q succeeded, want an error", statement)
		}
		if _, err := db.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("exec %q succeeded, want an error", statement)
		}
	}
	locks := "select current_setting('lock_configuration'), current_setting('enable_external_access')"
	if got := ask(t, db, locks); got[0] != "true false" {
		t.Errorf("lock_configuration, enable_external_access = %s, want true false", got)
	}
	if err := l.Check(m.TableFiles("glucose")[0]); err != nil {
		t.Errorf("data file afterwards: %v", err)
	}
	if left, _ := os.ReadDir(outside); len(left) != 1 {
		t.Errorf("working folder afterwards = %v, want the secret only", left)
	}
	for _, statement := range []string{"drop view glucose", "select 1; select 2", "select 1; drop view glucose", ";", "-- nothing", ""} {
		if _, err := db.ExecContext(t.Context(), statement); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%q = %v, want ErrReadOnly", statement, err)
		}
	}
}

// Whoever describes a table or view is told what it and its columns mean, by the
// names that DuckDB has for them; anything else is described as DuckDB does.
func TestSessionDescribes(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	db, err := Open(t.Context(), l, commit(t, l, "P001", 3), nil, Limits{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	for _, statement := range []string{"describe glucose", "DESC Glucose;", "show glucose", "describe table \"glucose\""} {
		got := ask(t, db, statement)
		if len(got) < 10 || !strings.HasPrefix(got[0], "<nil> table analysis-ready: one row per") ||
			!slices.Contains(got, "n_sources smallint records of egvs merged into this reading") {
			t.Errorf("%s = %q", statement, got)
		}
	}
	if got := ask(t, db, "describe gaps"); !strings.Contains(got[0], "view where readings are missing") || !strings.Contains(got[0], "one row per participant_id and gap_start") {
		t.Errorf("describe gaps begins with %q", got[0])
	}
	if got, want := ask(t, db, "describe select 1 as one"), []string{"one INTEGER YES <nil> <nil> <nil>"}; !slices.Equal(got, want) {
		t.Errorf("describe of a statement = %q, want %q", got, want)
	}
	for _, r := range toldRelations() {
		if got := ask(t, db, "describe "+r.name); len(got) != len(r.columns)+1 || slices.ContainsFunc(got, func(row string) bool { return strings.HasSuffix(row, "<nil>") }) {
			t.Errorf("describe %s = %q, want a comment for each of %d columns", r.name, got, len(r.columns))
		}
	}
}

// Whoever asks need not be allowed to read what no session shows: an error there is
// none of theirs.
func TestSessionLooksAtNothingHidden(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := commit(t, l, "P001", 3)
	m.Files = append(slices.Clone(m.Files), lake.File{Table: "event_notes", Path: "data/event_notes/" + strings.Repeat("x", 300)})
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	if got := ask(t, db, "select count(*) from glucose"); got[0] != "3" {
		t.Errorf("glucose has %s rows, want 3", got[0])
	}
}

func TestSessionAllows(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	db, err := Open(t.Context(), l, commit(t, l, "P001", 3), nil, Limits{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	for _, statement := range []string{
		"select * from glucose", "from glucose", "with x as (select 1) from x", "values (1)",
		"describe glucose", "show tables", "summarize glucose", "table glucose",
	} {
		if got := ask(t, db, statement); len(got) == 0 {
			t.Errorf("query %q: no rows", statement)
		}
	}
	if got := ask(t, db, "select ?::integer + $2", 1, 2); got[0] != "3" {
		t.Errorf("query with arguments = %s, want 3", got)
	}
	statement, args := views.Selection{Participants: []string{"P001"}}.Query()
	ask(t, db, statement, args...)
}

// Damage inside a file shows in a query; Explain finds the file.
func TestExplain(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := commit(t, l, "P001", 300)
	f := m.TableFiles("glucose")[0]
	err := scribble(filepath.Join(l.Path(), f.Path), func(b []byte) {
		for i := 4; i < 200; i++ {
			b[i] ^= 0x55
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "select sum(hash(g)) from glucose g")
	if err == nil {
		rows.Next()
		err = errors.Join(rows.Err(), rows.Close())
	}
	var fromDuckDB *duckdb.Error
	if !errors.As(err, &fromDuckDB) {
		t.Fatalf("query over a damaged file = %v, want DuckDB's error", err)
	}
	var named *lake.DamageError
	if err := Explain(t.Context(), l, m, err); !errors.As(err, &named) || named.Path != f.Path {
		t.Errorf("Explain = %v, want a DamageError that names %s", err, f.Path)
	}
	interrupted := &duckdb.Error{Type: duckdb.ErrorTypeInterrupt, Msg: "INTERRUPT Error: Interrupted!"}
	if err := Explain(t.Context(), l, m, interrupted); !errors.As(err, &named) || named.Path != f.Path {
		t.Errorf("Explain of what interrupted a thread = %v, want the damage of %s", err, f.Path)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if got := Explain(ended, l, m, interrupted); got != error(interrupted) {
		t.Errorf("Explain of what we interrupted = %v, want the error itself", got)
	}
	if got := Explain(t.Context(), l, lake.Manifest{}, err); got != err {
		t.Errorf("Explain of a sound lake = %v, want the error itself", got)
	}
	for _, statement := range []string{"selec 1", "select x from glucose", "from nothing", "drop view glucose"} {
		_, err := db.QueryContext(t.Context(), statement)
		if got := Explain(t.Context(), l, m, err); err == nil || got != err {
			t.Errorf("Explain of %q = %v, want the error of the statement, %v", statement, got, err)
		}
	}
}

// scribble changes a published file in place.
func scribble(name string, change func([]byte)) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	change(content)
	if err := os.Chmod(name, 0o600); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o600)
}

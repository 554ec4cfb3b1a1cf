package snapshot

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// harms are the kinds of damage that show before a query.
func harms() map[string]func(name string) error {
	return map[string]func(name string) error{
		"gone":  os.Remove,
		"short": func(name string) error { return os.Truncate(name, 100) },
		"empty": func(name string) error { return os.Truncate(name, 0) },
		"long": func(name string) error {
			content, err := os.ReadFile(name)
			return errors.Join(err, os.Chmod(name, 0o600), os.WriteFile(name, append(content, 0), 0o600))
		},
		"footer": func(name string) error {
			return scribble(name, func(b []byte) { copy(b[len(b)-12:], "xxxxxxxxxxxx") })
		},
	}
}

// readers are the ways to read a snapshot by SQL.
func readers() map[string]func(t *testing.T, l *lake.Lake, m lake.Manifest) *sql.DB {
	return map[string]func(t *testing.T, l *lake.Lake, m lake.Manifest) *sql.DB{
		"session": func(t *testing.T, l *lake.Lake, m lake.Manifest) *sql.DB {
			db, err := Open(t.Context(), l, m, nil, Limits{})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			return db
		},
		"database": func(t *testing.T, l *lake.Lake, m lake.Manifest) *sql.DB {
			harm, err := Publish(t.Context(), l, m, nil)
			if err != nil || len(harm) != 1 {
				t.Fatalf("Publish = %v, %v; want the damage of one file", harm, err)
			}
			if again, err := Publish(t.Context(), l, m, nil); err != nil || len(again) != 1 || again[0].Path != harm[0].Path {
				t.Fatalf("Publish once more = %v, %v; want what it was, %v", again, err, harm)
			}
			db, err := sql.Open("duckdb", filepath.Join(l.Path(), "latest", databaseName)+"?access_mode=read_only")
			if err != nil {
				t.Fatal(err)
			}
			pattern := text(noPattern(filepath.Join(l.Path(), "latest", "glucose")) + "/*/*.parquet")
			if err := tryQuery(t, db, "select count(*) from "+pattern); err == nil {
				t.Errorf("%s found whatever else is there, want an error", pattern)
			}
			return db
		},
		"views.sql": func(t *testing.T, l *lake.Lake, m lake.Manifest) *sql.DB {
			if _, err := Publish(t.Context(), l, m, nil); err != nil {
				t.Fatalf("Publish: %v", err)
			}
			folder := filepath.Join(l.Path(), "latest")
			script, err := os.ReadFile(filepath.Join(folder, viewsName))
			if err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("duckdb", "")
			if err != nil {
				t.Fatal(err)
			}
			db.SetMaxOpenConns(1)
			moved := strings.ReplaceAll(string(script), "read_parquet('", "read_parquet('"+strings.ReplaceAll(noPattern(folder), "'", "''")+"/")
			if _, err := db.ExecContext(t.Context(), moved); err != nil {
				t.Fatalf("views.sql: %v", err)
			}
			return db
		},
	}
}

// dependents are the tables and views that read a table.
func dependents(table string) map[string]bool {
	reads := map[string]bool{table: true, spansTable: true, episodesTable: true}
	for _, v := range views.Views() {
		for name := range reads {
			// The metric views do without the computed tables.
			if name != v.Name && !isComputed(name) && regexp.MustCompile(`(from|join) (main\.)?`+name+`\b`).MatchString(v.Body) {
				reads[v.Name] = true
				break
			}
		}
	}
	return reads
}

// A damaged file takes its table away, and the views that read it, by an error that
// names it whatever is asked for; all else is as before.
func TestDamagedTable(t *testing.T) {
	t.Parallel()
	const table = "glucose"
	for kind, harm := range harms() {
		for reader, open := range readers() {
			if reader != "session" && kind != "gone" && kind != "footer" {
				continue // it takes seconds to publish
			}
			t.Run(kind+"/"+reader, func(t *testing.T) {
				t.Parallel()
				l := newLake(t)
				commit(t, l, "P001", 3)
				m := inRoster(t, l, commit(t, l, "P002", 3), "P001") // completeness reads the clocks of who is in it
				f := m.TableFiles(table)[1]                          // DuckDB looks at the first only
				if kind == "footer" {
					f = m.TableFiles(table)[0]
				}
				if err := harm(filepath.Join(l.Path(), f.Path)); err != nil {
					t.Fatal(err)
				}
				db := open(t, l, m)
				defer db.Close()
				reads := dependents(table)
				for _, name := range names() {
					err := tryQuery(t, db, "select count(*) from "+name)
					if reads[name] == (err == nil) {
						t.Errorf("%s, which reads the damaged table: %t; reading it: %v", name, reads[name], err)
					}
					if err != nil {
						named(t, l, m, f, err)
					}
				}
				for _, question := range []string{
					"select count(*) from glucose", "from glucose where participant_id = 'P001'", "from glucose where glucose_mgdl is null",
					"select count(*) filter (where overlap) from glucose", "select exists (from glucose)",
					"from (values ('P003')) p (participant_id) left join glucose g using (participant_id) where g.glucose_mgdl > 3 or true",
					"select max(time_utc) from glucose where time_utc >= '2026-03-01' and participant_id in ('P002')",
				} {
					named(t, l, m, f, tryQuery(t, db, question))
				}
				if err := tryQuery(t, db, "describe glucose"); err != nil {
					t.Errorf("describe: %v", err)
				}
				wrong := "select 'abc'::integer"
				err := tryQuery(t, db, wrong)
				if got := Explain(t.Context(), l, m, err); got != err {
					t.Errorf("Explain of %q = %v, want its own error", wrong, got)
				}
			})
		}
	}
}

// inRoster commits somebody to the roster.
func inRoster(t *testing.T, l *lake.Lake, parent lake.Manifest, participant string) lake.Manifest {
	t.Helper()
	c := l.Begin(parent)
	c.Add(writeFile(t, c, "participants", participant, 1))
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return m
}

// names are those of all tables and views.
func names() []string {
	var all []string
	for _, t := range tables() {
		all = append(all, t.Name)
	}
	for _, v := range views.Views() {
		all = append(all, v.Name)
	}
	return all
}

func tryQuery(t *testing.T, db *sql.DB, query string) error {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// named checks that err, and its explanation, name the file.
func named(t *testing.T, l *lake.Lake, m lake.Manifest, f lake.File, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), f.Path) || !strings.Contains(err.Error(), "a repair brings its rows back") {
		t.Errorf("error = %v, want %s and the cure named", err, f.Path)
		return
	}
	var harm *lake.DamageError
	if got := Explain(t.Context(), l, m, err); !errors.As(got, &harm) || harm.Path != f.Path {
		t.Errorf("Explain(%v) = %v, want the damage of %s", err, got, f.Path)
	}
}

// What a commit has gone around is not read again, also when the file is back.
func TestMarkedFileIsNotRead(t *testing.T) {
	t.Parallel()
	for reader, open := range readers() {
		t.Run(reader, func(t *testing.T) {
			l := newLake(t)
			m := commit(t, l, "P001", 3)
			for i := range m.Files {
				if m.Files[i].Table == "glucose" {
					m.Files[i].Damaged = "was cut"
				}
			}
			db := open(t, l, m)
			defer db.Close()
			named(t, l, m, m.TableFiles("glucose")[0], tryQuery(t, db, "from glucose"))
		})
	}
}

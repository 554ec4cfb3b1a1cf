//go:build linux || darwin

package export

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/transform"
)

// An export has every table with all rows, columns and comments, and its papers.
func TestExportHasAll(t *testing.T) {
	s := newStudy(t)
	for _, format := range []Format{DuckDB, Parquet, CSV} {
		o := order(t, s, format)
		if format != DuckDB {
			o.Tables = few()
		}
		done := run(t, o)
		all := cells(t, o, done)
		for _, table := range transform.Tables() {
			if table.Hidden || table.Name == "glucose_days" || o.Tables != nil && !slices.Contains(o.Tables, table.Name) {
				continue
			}
			for _, c := range table.Columns {
				want := 2 * rowsOf(table)
				if slices.Contains(reasons(table.Name), c.Name) {
					want = 0
				}
				if got := len(all[table.Name+"."+c.Name]); got != want {
					t.Errorf("%s: %s.%s has %d values, want %d", format, table.Name, c.Name, got, want)
				}
			}
		}
		if all["event_notes.note"] != nil || strings.Contains(content(t, o.Path), "canary:note:") {
			t.Errorf("%s: free text is in it, which nobody asked for", format)
		}
		for _, name := range []string{readmeName, citationName, codebookName, sumsName, "schemas/glucose.json"} {
			if !exists(filepath.Join(o.Path, name)) {
				t.Errorf("%s: no %s", format, name)
			}
		}
		var report struct {
			Tables []struct {
				Table string
				Rows  int
			}
		}
		text, err := os.ReadFile(filepath.Join(o.Path, reportName))
		check(t, errors.Join(err, json.Unmarshal(text, &report)))
		for _, w := range report.Tables {
			if w.Table == "egvs" && w.Rows != 12 {
				t.Errorf("%s: %s says %d rows of egvs, want 12", format, reportName, w.Rows)
			}
		}
	}
}

// Dates are local, both inclusive, as metrics has them; what has none is not there.
func TestExportOfDates(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Chosen.From, o.Chosen.To, o.Chosen.Participants = "2031-03-04", "2031-03-04", people()[:1]
	done := run(t, o)
	all := cells(t, o, done)
	for where, want := range map[string]int{
		"glucose.local_date": 3, "egvs.display_time": 3, "participants.participant_id": 1, "exclusions.from_local": 1, "windows.window": 1,
		"changes.kind": 0, "audit.who": 0, "daily_metrics.local_date": 1,
	} {
		if len(all[where]) != want {
			t.Errorf("%s: %v, want %d", where, all[where], want)
		}
	}
	if got := sorted(all["glucose.participant_id"]); !slices.Equal(got, people()[:1]) {
		t.Errorf("glucose of %v, want %v", got, people()[:1])
	}
	if n := all["participant_metrics.first_date"]; !slices.Equal(n, []string{"2031-03-04"}) {
		t.Errorf("participant_metrics begins on %v", n)
	}
	if !slices.ContainsFunc(done.LeftOut, func(l LeftOut) bool { return l.Table == "changes" }) {
		t.Errorf("left out: %v, want changes among them", done.LeftOut)
	}
	o.Tables, o.Path = []string{"changes"}, o.Path+"2"
	if _, err := o.Run(t.Context()); !is[*TableError](err) || exists(o.Path) {
		t.Errorf("a table without dates, named: %v, want a *TableError and no export", err)
	}
}

// Nothing is written over but an export, and that only if asked; what fails leaves nothing.
func TestExportDoesNotOverwrite(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Tables = []string{"participants"}
	check(t, os.MkdirAll(filepath.Join(o.Path, "precious"), 0o700))
	for _, o.Overwrite = range []bool{false, true} {
		if _, err := o.Run(t.Context()); !is[*durable.ExistsError](err) || !exists(filepath.Join(o.Path, "precious")) {
			t.Fatalf("over a folder of others: %v, want an *ExistsError", err)
		}
	}
	check(t, os.RemoveAll(o.Path))
	o.Overwrite = false
	run(t, o)
	if _, err := o.Run(t.Context()); !is[*durable.ExistsError](err) {
		t.Errorf("over an export: %v, want an *ExistsError", err)
	}
	o.Overwrite, o.Tables = true, []string{"windows"}
	run(t, o)
	if exists(filepath.Join(o.Path, "participants.csv")) || !exists(filepath.Join(o.Path, "windows.csv")) {
		t.Error("the export that replaces another one has files of both, or not its own")
	}
	o.Path, o.Chosen.Window = o.Path+"2", "no such window"
	if _, err := o.Run(t.Context()); !is[*NobodyError](err) {
		t.Errorf("an export of nobody: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(o.Path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the export there is %v %v", left, err)
	}
}

// What others made is none of ours, whatever it is called and whenever it came.
func TestExportLeavesOthersFiles(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, DuckDB)
	o.Tables, o.Overwrite = []string{"participants"}, true
	report := filepath.Join(o.Path, reportName)
	for _, content := range []string{"", "{}", `{"schema": "other.export/1"}`, "[1]"} {
		check(t, errors.Join(os.MkdirAll(o.Path, 0o700), os.WriteFile(report, []byte(content), 0o600)))
		if _, err := o.Run(t.Context()); !is[*durable.ExistsError](err) || !exists(report) {
			t.Errorf("over a folder with %s %q: %v", reportName, content, err)
		}
	}
	o.Path += ".duckdb"
	makeDatabase := func() {
		db, err := sql.Open("duckdb", o.Path)
		check(t, err)
		_, err = db.ExecContext(t.Context(), "create table precious as select 1")
		check(t, errors.Join(err, db.Close()))
	}
	makeDatabase()
	if _, err := o.Run(t.Context()); !is[*durable.ExistsError](err) {
		t.Errorf("over another database: %v", err)
	}
	check(t, os.Remove(o.Path))
	o.Busy = func(string) func() { return sync.OnceFunc(makeDatabase) }
	if _, err := o.Run(t.Context()); !is[*durable.ExistsError](err) {
		t.Errorf("over a database that came meanwhile: %v", err)
	}
	readDuckDB(t, o.Path, "precious", func(_, _, _ string) {})
}

// A path that ends in .duckdb becomes one file with all of it.
func TestExportOneFile(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, DuckDB)
	o.Path += ".duckdb"
	o.Tables = few()
	for _, o.Overwrite = range []bool{false, true} {
		done := run(t, o)
		info, err := os.Lstat(o.Path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v %v, want one file of mode 0600", info, err)
		}
		names := map[string]bool{}
		readDuckDB(t, o.Path, "export_documents", func(_, _, value string) { names[value] = true })
		if !names[readmeName] || !names[citationName] || !names["schemas/egvs.json"] || len(done.Tables) != len(few()) {
			t.Errorf("the file has %d tables and documents %v", len(done.Tables), names)
		}
	}
}

// A path is a name, whatever is in it.
func TestExportToOddPath(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, DuckDB)
	o.Tables = []string{"participants"}
	o.Path += "[1] *.duckdb"
	for _, o.Overwrite = range []bool{false, true} {
		run(t, o)
		names := map[string]bool{}
		for _, document := range readOdd(t, o.Path) {
			names[document] = true
		}
		if !names[readmeName] || !names["schemas/participants.json"] {
			t.Errorf("documents %v", names)
		}
	}
	o.Path += "?"
	if _, err := o.Run(t.Context()); !is[*PathError](err) {
		t.Errorf("%v, want a *PathError", err)
	}
}

// readOdd reads a copy with a name that the driver takes.
func readOdd(t testing.TB, path string) (documents []string) {
	copied := filepath.Join(t.TempDir(), "even.duckdb")
	content, err := os.ReadFile(path)
	check(t, errors.Join(err, os.WriteFile(copied, content, 0o600)))
	readDuckDB(t, copied, "export_documents", func(_, column, value string) {
		if column == "document" {
			documents = append(documents, value)
		}
	})
	return documents
}

// A blinded study shows what was measured to those alone who may know.
func TestExportOfBlindedStudy(t *testing.T) {
	s := newStudy(t)
	s.Config.Study.Blinding = true
	o := order(t, s, CSV)
	if _, err := o.Run(t.Context()); !is[*BlindedError](err) || exists(o.Path) {
		t.Errorf("%v, want a *BlindedError and nothing written", err)
	}
	o.Tables = []string{"participants", "devices", "coverage_days"}
	run(t, o)
	of := func(name string) string {
		text, err := os.ReadFile(filepath.Join(o.Path, name+".csv"))
		check(t, err)
		return string(text)
	}
	if roster, days := of("participants"), of("coverage_days"); strings.Contains(roster, "arm") || !strings.Contains(days, "egvs") || strings.Contains(days, "events") {
		t.Errorf("a blinded export has arms, or when there are events:\n%.200s\n%.200s", roster, days)
	}
	o.Tables, o.Unblinded, o.Path = []string{"glucose"}, true, o.Path+"2"
	run(t, o)
}

// Of whom a withdrawal is not in the snapshot nothing is exported.
func TestExportLeavesOutTheWithdrawn(t *testing.T) {
	s := newStudy(t)
	check(t, s.Store.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := s.Cohort.Record(t.Context(), tx, cohort.Withdrawal{ParticipantID: people()[0], EffectiveAt: time.Now(), Reason: "test", Who: "tester"})
		return err
	}))
	o := order(t, s, CSV)
	o.Tables = few()
	done := run(t, o)
	if !slices.Equal(done.Gone, people()[:1]) || strings.Contains(content(t, o.Path), people()[0]) {
		t.Errorf("left out: %v, want %v and no byte of theirs", done.Gone, people()[:1])
	}
	o.Chosen.Participants, o.Path = people()[:1], o.Path+"2"
	if _, err := o.Run(t.Context()); !is[*NobodyError](err) {
		t.Errorf("an export of whoever has withdrawn alone: %v", err)
	}
}

// Whoever withdraws while an export is written is not handed over.
func TestExportStopsForWhoWithdraws(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Tables = []string{"glucose"}
	o.Busy = func(string) func() {
		check(t, s.Store.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := s.Cohort.Record(t.Context(), tx, cohort.Withdrawal{ParticipantID: people()[0], EffectiveAt: time.Now(), Reason: "test", Who: "tester"})
			return err
		}))
		return func() {}
	}
	if _, err := o.Run(t.Context()); !is[*GoneError](err) || exists(o.Path) {
		t.Errorf("%v, want a *GoneError and no export", err)
	}
	lines, err := s.Store.Trail(t.Context())
	if check(t, err); lines[len(lines)-1].Subject == "export" {
		t.Error("the trail tells of an export that there is not")
	}
}

// The trail says what left the study, before it did.
func TestExportIsAudited(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Deid, o.ShiftWeeks, o.Tables = true, 4, []string{"glucose", "events"}
	run(t, o)
	lines, err := s.Store.Trail(t.Context())
	check(t, err)
	last := lines[len(lines)-1]
	for _, want := range []string{`"tables":"glucose events"`, `"deid":true`, `"shift_weeks":4`, `"participants":2`, `"path":"out"`, `"snapshot":"1"`, `"key":1`} {
		if last.Subject != "export" || !strings.Contains(last.After, want) {
			t.Errorf("line %s %s, want %s", last.Subject, last.After, want)
		}
	}
}

// Keys that others can read, or that are none, give nobody a name.
func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	k, err := currentKey(dir, false, nil, time.Now())
	check(t, err)
	path := filepath.Join(dir, KeyFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info, err)
	}
	if again, err := currentKey(dir, false, nil, time.Now()); err != nil || again.Secret != k.Secret {
		t.Errorf("another key than the first: %v", err)
	}
	check(t, os.Chmod(path, 0o640))
	if _, err := currentKey(dir, true, nil, time.Now()); !is[*KeyError](err) {
		t.Errorf("others can read it: %v", err)
	}
	for _, text := range []string{"", "{}", `{"format":1,"keys":[{"key":1,"secret":"00"}]}`} {
		check(t, errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, 0o600)))
		if _, err := currentKey(dir, true, nil, time.Now()); !is[*KeyError](err) {
			t.Errorf("%q: %v, want a *KeyError", text, err)
		}
	}
}

// A key by which the audit trail has an export is not made anew in silence where it is lost:
// only --new-names makes another one, under a number of its own.
func TestLostKey(t *testing.T) {
	s := newStudy(t)
	deid := func(path string, fresh bool) error {
		o := order(t, s, CSV)
		o.Deid, o.ShiftWeeks, o.NewNames, o.Tables, o.Path = true, 4, fresh, []string{"devices"}, filepath.Join(t.TempDir(), path)
		_, err := o.Run(t.Context())
		return err
	}
	refuses := func(want study.LostExportKeyError) {
		t.Helper()
		want.Path = filepath.Join(s.StatePath(), KeyFile)
		_, err := KnownKeys(t.Context(), s)
		for _, err := range []error{err, deid("refused", false)} {
			if got, ok := errors.AsType[*study.LostExportKeyError](err); !ok || *got != want {
				t.Errorf("%v, want %v", err, &want)
			}
		}
	}
	check(t, deid("first", false))
	path := filepath.Join(s.StatePath(), KeyFile)
	older, err := os.ReadFile(path)
	check(t, err)
	check(t, os.Remove(path))
	refuses(study.LostExportKeyError{Key: 1})
	check(t, os.WriteFile(path, older, 0o600))
	check(t, deid("second", true))
	check(t, os.WriteFile(path, older, 0o600)) // as from a backup that is older than key 2
	refuses(study.LostExportKeyError{Key: 2, Has: 1})
	check(t, deid("third", true))
	newest, err := os.ReadFile(path)
	check(t, err)
	check(t, os.Remove(path))
	for _, fresh := range []bool{false, true} { // another study's has another key of the same number
		content, err := lake.Sealed(keyFile{keyFormat, []Key{{ID: 3, Secret: strings.Repeat("ab", 32)}}})
		check(t, err)
		check(t, os.WriteFile(path, content, 0o600))
		if err, ok := errors.AsType[*study.LostExportKeyError](deid("foreign", fresh)); !ok || !err.Foreign {
			t.Errorf("the file of another study, --new-names %t: %v", fresh, err)
		}
	}
	refuses(study.LostExportKeyError{Key: 3, Has: 3, Foreign: true})
	check(t, os.WriteFile(path, newest, 0o600))
	if keys, err := KnownKeys(t.Context(), s); err != nil || len(keys) != 2 || keys[1].ID != 3 {
		t.Errorf("keys %v %v, want 1 and 3", keys, err)
	}
	check(t, os.Remove(path))
	check(t, deid("fourth", true))
	check(t, os.WriteFile(filepath.Join(s.StatePath(), "export-keys.older.json"), newest, 0o600)) // found after all
	if keys, err := KnownKeys(t.Context(), s); err != nil || len(keys) != 3 || keys[0].ID != 1 || keys[2].ID != 4 {
		t.Errorf("keys %v %v, want 1, 3 and 4", keys, err)
	}
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

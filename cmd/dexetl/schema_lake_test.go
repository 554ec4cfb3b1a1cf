package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/transform"
)

// eventful is a study in which every table has rows, and data are as odd as they come.
func eventful(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, dexsim.Config{
		Seed: 5, Participants: 4, Days: 8, End: demoNow.AddDate(0, 0, 3),
		Chaos: dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.1},
	})
	b.now = demoNow
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,base,1,7\n"))
	b.must("exclusions", "import", b.file("exclusions.csv", "participant_id,from,to,reason\nP001,2026-04-12,2026-04-12,MRI\n"))
	b.run("backfill")
	b.now = b.now.Add(30 * time.Hour)
	b.run("sync", "--trailing", "20d")
	b.must("withdraw", "P002", "--stop", "--effective", "2026-04-15", "--reason", "moved away", "--yes")
	b.run("sync")
	return b
}

// The schema of each table takes its rows as query --json gives them, and as DuckDB
// writes them; and no row that the table cannot have.
func TestLakeSchemas(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := eventful(t)
	for _, s := range schemas.All() {
		if s.Group != "lake" {
			continue
		}
		schema := schemaOf(t, s)
		table := tableNamed(s.Name)
		rows := b.writtenByDuckDB(s.Name)
		if !table.Hidden {
			rows = append(rows, b.writtenByQuery(s.Name)...)
		}
		if len(rows) == 0 && s.Name != "vanish_pending" {
			t.Errorf("%s has no rows: the test proves nothing of it", s.Name)
		}
		for _, row := range rows {
			if err := schema.Validate(row); err != nil {
				t.Errorf("%s: %v\n%v", s.Name, err, row)
				break
			}
		}
		if len(rows) > 0 {
			refusesWrongRows(t, schema, table, rows[0].(map[string]any))
		}
	}
}

func tableNamed(name string) transform.Table {
	all := slices.Concat(transform.Tables(), snapshot.Computed())
	return all[slices.IndexFunc(all, func(t transform.Table) bool { return t.Name == name })]
}

func schemaOf(t *testing.T, s schemas.Schema) *jsonschema.Schema {
	t.Helper()
	text, _ := s.Document(schemas.JSONSchema)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(s.Name, parsedJSON(t, text)); err != nil {
		t.Fatal(err)
	}
	compiler.AssertFormat()
	schema, err := compiler.Compile(s.Name)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return schema
}

func parsedJSON(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return value
}

func (b *bench) writtenByQuery(table string) []any {
	answer := parsedJSON(b.t.(*testing.T), []byte(b.must("query", "--json", "from "+table)))
	return answer.(map[string]any)["rows"].([]any)
}

// writtenByDuckDB are rows of all snapshots as NDJSON.
func (b *bench) writtenByDuckDB(table string) (rows []any) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	folder, out := filepath.Join(b.dir, "lake", "data", table), filepath.Join(b.t.TempDir(), "rows.ndjson")
	if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) == 0 {
		return nil
	}
	if _, err := db.Exec(fmt.Sprintf(`copy (from read_parquet('%s/**/*.parquet', hive_partitioning = false, union_by_name = true)) to '%s' (format json)`, folder, out)); err != nil {
		b.t.Fatalf("%s: %v", table, err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		b.t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		rows = append(rows, parsedJSON(b.t.(*testing.T), lines.Bytes()))
	}
	return rows
}

// refusesWrongRows makes row wrong in every way that its columns allow.
func refusesWrongRows(t *testing.T, schema *jsonschema.Schema, table transform.Table, row map[string]any) {
	t.Helper()
	refuses := func(what string, change func(map[string]any)) {
		wrong := maps.Clone(row)
		change(wrong)
		if schema.Validate(wrong) == nil {
			t.Errorf("%s: a row with %s is taken", table.Name, what)
		}
	}
	refuses("another column", func(wrong map[string]any) { wrong["more"] = "x" })
	for _, c := range table.Columns {
		refuses("no "+c.Name, func(wrong map[string]any) { delete(wrong, c.Name) })
		refuses("a list of text as "+c.Name, func(wrong map[string]any) { wrong[c.Name] = []any{"x"} })
		if !c.Nullable {
			refuses("no value of "+c.Name, func(wrong map[string]any) { wrong[c.Name] = nil })
		}
		if table.Values[c.Name] != nil {
			refuses("another value of "+c.Name, func(wrong map[string]any) { wrong[c.Name] = "of a later program" })
		}
		for _, value := range wrongValues(c) {
			refuses(fmt.Sprintf("%v as %s", value, c.Name), func(wrong map[string]any) { wrong[c.Name] = value })
		}
	}
}

// wrongValues are values that a column of c's type cannot have.
func wrongValues(c transform.Column) []any {
	switch c.Type.Name() {
	case "utf8":
		return []any{json.Number("1"), true}
	case "bool":
		return []any{"true", json.Number("1")}
	case "int16":
		return []any{"1", json.Number("1.5"), json.Number("32768"), json.Number("-32769")}
	case "int32":
		return []any{"1", json.Number("1.5"), json.Number("2147483648")}
	case "int64", "float64":
		return []any{"1", true}
	case "list":
		return []any{json.Number("1"), []any{json.Number("1.5")}, []any{json.Number("32768")}, []any{nil}}
	case "date32":
		return []any{"2026-02-30", "2026-4-1", "2026-04-01T00:00:00", "1 April"}
	}
	return []any{"2026-04-01", "2026-04-01T25:00:00", "2026-04-01T00:00:00Z", "2026-13-01 00:00:00", json.Number("1775001600")}
}

// What the tables say are all values of a column stands in the column's comment, and is
// what the packages say that fill it.
func TestClosedColumns(t *testing.T) {
	columns := 0
	for _, table := range transform.Tables() {
		for name, values := range table.Values {
			i := slices.IndexFunc(table.Columns, func(c transform.Column) bool { return c.Name == name })
			if i < 0 {
				t.Errorf("%s has no column %s", table.Name, name)
				continue
			}
			columns++
			for _, value := range values {
				if comment := table.Columns[i].Comment; comment != "endpoint" && !strings.Contains(comment, fmt.Sprint(value)) {
					t.Errorf("the comment of %s.%s does not name %v", table.Name, name, value)
				}
			}
		}
	}
	if columns < 15 {
		t.Errorf("%d columns are closed: the test proves little", columns)
	}
	var statuses []any
	for _, status := range cohort.Statuses() {
		statuses = append(statuses, status)
	}
	participants, _ := transform.TableNamed("participants")
	if !slices.Equal(participants.Values["status"], statuses) {
		t.Errorf("statuses of participants: %v, the roster takes %v", participants.Values["status"], statuses)
	}
}

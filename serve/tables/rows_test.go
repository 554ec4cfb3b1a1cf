//go:build linux || darwin

package tables

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/api/apitest"
	"github.com/dexetl/dexetl/study"
)

var january = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// someTables are rows of every kind of column, with what formats stumble over.
func someTables() map[string][]row {
	notes := []string{"plain", `with "quotes", commas`, "two\nlines", "", " blank first", "naïve 漢字 \U0001F600", "=1+1", `\.`, "tab\there"}
	var events, texts []row
	for i, note := range notes {
		at := january.Add(time.Duration(i)*time.Hour + 123456*time.Microsecond).Format("2006-01-02T15:04:05.999999")
		events = append(events, row{"participant_id": "P001", "record_id": fmt.Sprint("r", i), "system_time": at, "event_type": "notes", "value": []any{nil, 0.1, 1e-7, 1e21, -3.5}[i%5]})
		texts = append(texts, row{"participant_id": "P001", "record_id": fmt.Sprint("r", i), "system_time": at, "note": note})
	}
	return map[string][]row{
		"glucose": slices.Concat(apitest.GlucoseRows("P001", january, 700, func(i int) any { return 40 + i%300 }), apitest.GlucoseRows("P002", january, 500, func(int) any { return 77 })),
		"events":  events, "event_notes": texts,
		"glucose_days": {
			{"participant_id": "P001", "day": "2026-01-01T00:00:00", "local_date": "2026-01-01", "glucose_mgdl": []int{40, 50}, "counts": []int{1, 2}},
			{"participant_id": "P002", "day": "2026-01-02T00:00:00", "glucose_mgdl": []int{}, "counts": []int{}},
		},
		"participants": {{"participant_id": "P001", "cohort": "A", "study_start": "2026-01-01"}, {"participant_id": "P002", "cohort": "B"}},
		"windows":      {{"participant_id": "*", "window": "all"}, {"participant_id": "P001", "window": "baseline"}, {"participant_id": "P002", "window": "baseline"}},
		"settings":     {{"key": "study.id", "value": "X"}},
		"requests":     {{"participant_id": "P002", "request_id": "1"}, {"participant_id": "P001", "request_id": "2"}, {"participant_id": "P002", "request_id": "3"}},
	}
}

// What comes over HTTP is what DuckDB reads in the files of the lake, in every format.
func TestValuesAreThoseOfTheFiles(t *testing.T) {
	s := newSeries(t)
	m := s.Commit(someTables())
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	for name := range someTables() {
		var files []string
		for _, f := range m.TableFiles(name) {
			files = append(files, filepath.Join(s.Study.LakePath(), f.Path))
		}
		want := texts(t, db, fmt.Sprintf("read_parquet(['%s'], hive_partitioning = false)", strings.Join(files, "','")))
		for _, f := range formats() {
			answer, body := s.Get("/v1/tables/"+name+"?format="+f.name, s.Key)
			if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != f.mediaType || answer.Header.Get("ETag") != `"1"` || answer.Header.Get(api.SnapshotHeader) != "1" {
				t.Fatalf("%s as %s: %d %v %s", name, f.name, answer.StatusCode, answer.Header, body)
			}
			file := filepath.Join(t.TempDir(), "x."+f.suffix)
			check(t, os.WriteFile(file, body, 0o600))
			var got [][]string
			switch f.name {
			case "parquet":
				got = texts(t, db, fmt.Sprintf("read_parquet('%s')", file))
			case "ndjson":
				got = linesOf(t, body, want[0])
			case "csv":
				got, err = csv.NewReader(bytes.NewReader(body)).ReadAll()
				check(t, err)
			case "arrow":
				got = arrowTexts(t, body)
			}
			compare(t, name+" as "+f.name, got, want)
		}
	}
}

// texts are the rows of a table as text, with a head; null is empty.
func texts(t *testing.T, db *sql.DB, from string) (all [][]string) {
	t.Helper()
	rows, err := db.Query("select columns(*)::varchar from " + from)
	check(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	check(t, err)
	all = append(all, names)
	for rows.Next() {
		row, to := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		check(t, rows.Scan(to...))
		line := make([]string, len(names))
		for i, v := range row {
			line[i] = v.String
		}
		all = append(all, line)
	}
	check(t, rows.Err())
	return all
}

func linesOf(t *testing.T, body []byte, names []string) [][]string {
	t.Helper()
	all := [][]string{names}
	for line := range bytes.Lines(body) {
		var object map[string]json.RawMessage
		check(t, json.Unmarshal(line, &object))
		if len(object) != len(names) {
			t.Fatalf("%s: %d members, want %d", line, len(object), len(names))
		}
		values := make([]string, len(names))
		for i, name := range names {
			var text *string
			if json.Unmarshal(object[name], &text) != nil {
				values[i] = string(object[name])
			} else if text != nil {
				values[i] = *text
			}
		}
		all = append(all, values)
	}
	return all
}

func arrowTexts(t *testing.T, body []byte) (all [][]string) {
	t.Helper()
	in, err := ipc.NewReader(bytes.NewReader(body))
	check(t, err)
	defer in.Release()
	var names []string
	for _, f := range in.Schema().Fields() {
		names = append(names, f.Name)
	}
	all = append(all, names)
	for in.Next() {
		batch := in.RecordBatch()
		for r := range int(batch.NumRows()) {
			line := make([]string, len(names))
			for i, c := range batch.Columns() {
				if c.IsValid(r) {
					line[i] = c.ValueStr(r)
				}
			}
			all = append(all, line)
		}
	}
	check(t, in.Err())
	return all
}

// compare compares texts but for how formats write times, lists and exponents.
func compare(t *testing.T, what string, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, len(got)-1, len(want)-1)
	}
	same := func(text string) string {
		if at, err := time.Parse("2006-01-02T15:04:05Z07:00", text); err == nil { // also with a fraction
			text = at.UTC().Format("2006-01-02 15:04:05.999999")
		}
		if at, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
			text = at.Format("2006-01-02 15:04:05.999999")
		}
		text = strings.TrimSuffix(text, ".0")
		return strings.NewReplacer(", ", ",", "e-07", "e-7", "e+21", "e21").Replace(text)
	}
	for i := range want {
		for j := range want[i] {
			if g, w := same(got[i][j]), same(want[i][j]); g != w {
				t.Fatalf("%s, row %d, %s: %q, want %q", what, i, want[0][j], got[i][j], want[i][j])
			}
		}
	}
}

// rowsOf asks for rows as lines of JSON.
func (s *series) rowsOf(path, key string) (status int, rows []row) {
	s.T.Helper()
	between := "?"
	if strings.Contains(path, "?") {
		between = "&"
	}
	answer, body := s.Get(path+between+"format=ndjson", key)
	if answer.StatusCode != 200 {
		return answer.StatusCode, nil
	}
	for line := range bytes.Lines(body) {
		var r row
		check(s.T, json.Unmarshal(line, &r))
		rows = append(rows, r)
	}
	return 200, rows
}

// Only the rows that are asked for come, and of a key's cohort alone.
func TestChosenRows(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	onlyA := s.AddKey("a", access.Rights{Scope: access.Read, Cohort: "A", Notes: true, Unblinded: true})
	for _, tt := range []struct {
		path   string
		all, a int // rows for a key of everybody and one of cohort A; negative: a status
	}{
		{"glucose", 1200, 700},
		{"glucose?participant=P001", 700, 700},
		{"glucose?participant=P002", 500, -404},
		{"glucose?participant=P001,P002", 1200, -404},
		{"glucose?participant=P009", -404, -404},
		{"glucose?cohort=A", 700, 700},
		{"glucose?cohort=B", 500, -404},
		{"glucose?cohort=C", -404, -404},
		{"glucose?cohort=A&participant=P002", -404, -404},
		{"glucose?from=2026-01-01&to=2026-01-01", 576, 288},
		{"glucose?from=2026-01-01T00:05:00&to=2026-01-01T00:15:00Z", 4, 2},
		{"glucose?from=2026-01-01T01:05:00%2B01:00&to=2026-01-01T00:15:00&columns=glucose_mgdl", 4, 2},
		{"glucose?to=2025-12-31", 0, 0},
		{"glucose?columns=glucose_mgdl,time_utc", 1200, 700},
		{"glucose?from=2026-01-03&to=2026-01-01", -422, -422},
		{"glucose?from=today", -422, -422},
		{"glucose?columns=nonsense", -422, -422},
		{"glucose?columns=glucose_mgdl,nonsense", -422, -422},
		{"glucose?nonsense=1", -422, -422},
		{"glucose?format=xls", -422, -422},
		{"glucose?snapshot=1", 1200, 700},
		{"glucose?snapshot=latest", 1200, 700},
		{"glucose?snapshot=2", -404, -404},
		{"glucose?snapshot=x", -422, -422},
		{"nonsense", -404, -404},
		{"connection_accounts", -404, -404},
		{"participants", 2, 1},
		{"participants?from=2026-01-01", -422, -422},
		{"windows", 3, 2},
		{"requests", 3, 1},
		{"requests?participant=P002", 2, -404},
		{"settings", 1, -403},
		{"settings?participant=P001", -422, -403},
		{"egvs", 0, 0},
	} {
		for key, want := range map[string]int{s.Key: tt.all, onlyA: tt.a} {
			status, rows := s.rowsOf("/v1/tables/"+tt.path, key)
			if got := len(rows); want < 0 && status != -want || want >= 0 && (status != 200 || got != want) {
				t.Errorf("%s with %.8s: %d, %d rows, want %d", tt.path, key, status, got, want)
			}
			for _, r := range rows {
				if id, ok := r["participant_id"]; ok && key == onlyA && id == "P002" {
					t.Fatalf("%s shows a key of cohort A %v", tt.path, r)
				}
			}
		}
	}
	_, rows := s.rowsOf("/v1/tables/glucose?columns=glucose_mgdl,time_utc&participant=P001", onlyA)
	if len(rows[0]) != 2 || rows[0]["glucose_mgdl"] != 40.0 || rows[0]["time_utc"] != "2026-01-01T00:00:00" {
		t.Errorf("with two columns: %v", rows[0])
	}
	_, body := s.Get("/v1/tables/settings?columns=nonsense", s.Key)
	if !strings.Contains(string(body), `it has key, value`) || strings.Contains(string(body), "nonsense") {
		t.Errorf("a bad column: %s", body)
	}
}

// Every table needs its rights.
func TestRightsOfTables(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	plainKey, cohortKey := s.AddKey("plain", access.Rights{Scope: access.Read}), s.AddKey("cohort", access.Rights{Scope: access.Read, Cohort: "A", Unblinded: true, Notes: true})
	for _, blinding := range []bool{false, true} {
		s.Study.Config.Study.Blinding = blinding
		answer, body := s.Get("/v1/tables", plainKey)
		var list List
		check(t, json.Unmarshal(body, &list))
		if answer.StatusCode != 200 || len(list.Tables) != len(offered()) || list.Snapshot != 1 {
			t.Fatalf("%d %s", answer.StatusCode, body)
		}
		for _, table := range list.Tables {
			if table.Name == "episodes" || table.Name == "span_metrics" { // this snapshot has no folder
				if answer, body := s.Get("/v1/tables/"+table.Name, s.Key); answer.StatusCode != 404 || table.Rows != nil {
					t.Errorf("%s: %d %s", table.Name, answer.StatusCode, body)
				}
				continue
			}
			glucose, notes := study.Measured(table.Name), table.Name == notesTable
			want := 200
			if notes || blinding && glucose {
				want = 403
			}
			for key, want := range map[string]int{s.Key: 200, plainKey: want, "": 401, cohortKey: map[bool]int{true: 200, false: 403}[strings.Contains(fmt.Sprint(table.Columns), "participant_id")]} {
				if answer, body := s.Get("/v1/tables/"+table.Name, key); answer.StatusCode != want {
					t.Errorf("%s, blinded %v, with %.8s: %d, want %d: %.200s", table.Name, blinding, key, answer.StatusCode, want, body)
				}
			}
			counted := want == 200 && (!blinding || study.BlindOf(table.Name).Resources == nil)
			if table.Readable != (want == 200) || (table.Rows != nil) != counted {
				t.Errorf("the list says of %s: readable %v, rows %v", table.Name, table.Readable, table.Rows)
			}
		}
	}
}

// Who is not unblinded sees no arm in a blinded study, and of requests and coverage only
// what is about readings and devices; who is sees all.
func TestBlindedRows(t *testing.T) {
	s := newSeries(t)
	resources := []string{"egvs", "events", "alerts", "dataRange", "calibrations", "devices", "egvs"}
	var requests, days []row
	for i, r := range resources {
		requests = append(requests, row{"participant_id": "P001", "request_id": fmt.Sprint(i), "resource": r, "asked_at": "2026-01-01T00:00:00"})
		days = append(days, row{"participant_id": "P001", "resource": r, "day": fmt.Sprintf("2026-01-%02dT00:00:00", i+1), "records": 9})
	}
	s.Commit(map[string][]row{
		"participants": {{"participant_id": "P001", "arm": "verum"}}, "requests": requests, "coverage_days": days,
		"audit": {{"seq": 1, "who": "anna", "command": "participants import", "subject": "participant", "after": `{"arm":"verum"}`, "hash": "abc", "at": "2026-01-01T00:00:00"}},
	})
	s.Study.Config.Study.Blinding = true
	blind := s.AddKey("blind", access.Rights{Scope: access.Read})
	for key, want := range map[string]int{blind: 4, s.Key: 7} {
		for _, path := range []string{"requests", "requests?columns=request_id", "requests?participant=P001", "coverage_days"} {
			if _, rows := s.rowsOf("/v1/tables/"+path, key); len(rows) != want {
				t.Errorf("%s: %d rows, want %d: %v", path, len(rows), want, rows)
			}
		}
		for _, path := range []string{"participants?format=csv", "audit?format=csv", "audit?format=parquet", "participants?participant=P001&format=arrow"} {
			answer, body := s.Get("/v1/tables/"+path, key)
			if answer.StatusCode != 200 || bytes.Contains(body, []byte("verum")) != (key == s.Key) || key == blind && bytes.Contains(body, []byte("abc")) {
				t.Errorf("%s: %d %.200q", path, answer.StatusCode, body)
			}
		}
		answer, _ := s.Get("/v1/tables/participants?columns=arm", key)
		if want := map[bool]int{true: 200, false: 422}[key == s.Key]; answer.StatusCode != want {
			t.Errorf("arm: %d, want %d", answer.StatusCode, want)
		}
		_, list := s.Get("/v1/tables", key)
		if bytes.Contains(list, []byte(`"arm"`)) != (key == s.Key) {
			t.Errorf("the list of tables: %.300s", list)
		}
	}
	all, _ := s.Get("/v1/tables/participants", s.Key)
	if answer, _ := s.Get("/v1/tables/participants", blind, "If-None-Match: "+all.Header.Get("ETag")); answer.StatusCode != 200 {
		t.Errorf("what an unblinded key got is taken for what another one gets: %d", answer.StatusCode)
	}
}

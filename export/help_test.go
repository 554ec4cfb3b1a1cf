//go:build linux || darwin

package export

import (
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/transform"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// people of the study of these tests: their ids are long enough to be looked for in files.
func people() []string { return []string{"ALPHA-STUDY-0001", "ALPHA-STUDY-0002"} }

// firstDay is that of all rows, which are of three days.
var firstDay = time.Date(2031, 3, 4, 0, 0, 0, 0, time.UTC)

// newStudy is a study with rows of each table, in which each text says where it stands.
func newStudy(t testing.TB, more ...func(*lake.Commit)) *study.Study {
	t.Helper()
	dir := t.TempDir()
	store, err := state.Open(t.Context(), filepath.Join(dir, "state"))
	check(t, err)
	t.Cleanup(func() { store.Close() })
	store.By = state.Author{Who: "tester", Command: "test"}
	s := &study.Study{Dir: dir, Store: store, Cohort: &cohort.Cohort{Store: store}, Program: study.Program{Version: "test", Now: time.Now}}
	s.Config = config.Config{Lake: config.Lake{Path: "lake"}, State: config.State{Path: "state"}, Study: config.Study{ID: "ALPHA"}}
	for i, id := range people() {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id, Cohort: fmt.Sprint("C", i), Status: "enrolled"}))
	}
	l, err := lake.Open(s.LakePath())
	check(t, err)
	t.Cleanup(func() { l.Close() })
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
	check(t, err)
	defer guard.Unlock()
	parent, err := l.Current()
	check(t, err)
	c := l.Begin(parent)
	for _, table := range transform.Tables() {
		if table.Name != "glucose_days" && table.Name != "connection_accounts" && table.Name != "connection_ranges" {
			c.Replace(nil, writeRows(t, c, table, people()...))
		}
	}
	for _, add := range more {
		add(c)
	}
	_, err = c.Finish(t.Context(), lake.Manifest{Run: "run"})
	check(t, err)
	return s
}

// forEverybody adds a window of dates that all share.
func forEverybody(t testing.TB) func(*lake.Commit) {
	return func(c *lake.Commit) {
		table, _ := transform.TableNamed(windowsTable)
		c.Replace(nil, writeRows(t, c, table, everyone))
	}
}

// forStudyDays adds a window of days of the study, which are dates of nobody.
func forStudyDays(t testing.TB, name string) func(*lake.Commit) {
	return func(c *lake.Commit) {
		table, _ := transform.TableNamed(windowsTable)
		row := map[string]any{"participant_id": everyone, "window_name": name, "window": name, "start_day": int64(1), "end_day": int64(3)}
		c.Replace(nil, writeThese(t, c, table, []map[string]any{row}))
	}
}

// forEach adds a window of a name for each participant, from a day on for two days.
func forEach(t testing.TB, name string, days ...string) func(*lake.Commit) {
	return func(c *lake.Commit) {
		table, _ := transform.TableNamed(windowsTable)
		var rows []map[string]any
		for i, id := range people() {
			rows = append(rows, map[string]any{"participant_id": id, "window_name": name, "window": name, "start_date": days[i], "end_date": "2031-03-0" + fmt.Sprint(7+i)})
		}
		c.Replace(nil, writeThese(t, c, table, rows))
	}
}

// writeRows writes six rows for each participant, every eight hours one.
func writeRows(t testing.TB, c *lake.Commit, table transform.Table, ids ...string) lake.File {
	t.Helper()
	var rows []map[string]any
	for _, id := range ids {
		for i := range rowsOf(table) {
			rows = append(rows, rowOf(table, id, i))
		}
	}
	return writeThese(t, c, table, rows)
}

func writeThese(t testing.TB, c *lake.Commit, table transform.Table, rows []map[string]any) lake.File {
	t.Helper()
	partition := ""
	if table.Time != "" {
		partition = firstDay.Format("2006-01")
	}
	w, err := c.Create(table, partition, "")
	check(t, err)
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for _, row := range rows {
		text, err := json.Marshal(row)
		check(t, err)
		check(t, b.UnmarshalJSON(text))
	}
	check(t, w.Write(b.NewRecordBatch()))
	f, err := w.Close()
	check(t, err)
	return f
}

// rowsOf is how many rows of a table a participant has.
func rowsOf(table transform.Table) int {
	if table.Time == "" {
		return 1
	}
	return 6
}

// rowOf is row i of a participant: every text is a canary but those by which rows are read
// and those of which the table lists all values.
func rowOf(table transform.Table, id string, i int) map[string]any {
	at := firstDay.Add(time.Duration(i) * 8 * time.Hour)
	fixed := map[string]any{
		"participant_id": id, "utc_offset_source": "sent", "local_time_source": "sent", "timezone": "Europe/Berlin", "glucose_mgdl": 100 + i,
		"cadence_min": 5, "excluded": nil, "vanished_at": nil, "valid_to": nil, "effective_at": at.AddDate(0, 0, 2).Format(time.DateTime),
		"study_start": "2031-03-02", "study_end": "2031-03-08", "anchor_date": nil, "from_local": "2031-03-04 01:00:00", "to_local": "2031-03-04 02:00:00",
		"transmitter_id": "transmitter-of-ALPHA", "resource": "egvs", "asked_at": firstDay.AddDate(0, 0, 3).Format(time.DateTime),
	}
	if id == everyone { // nobody is named in it
		fixed["window_name"], fixed["window"] = "for *", "for *"
	}
	row := map[string]any{}
	for _, c := range table.Columns {
		value, given := fixed[c.Name]
		switch {
		case given:
			row[c.Name] = value
		case len(table.Values[c.Name]) > 0:
			row[c.Name] = table.Values[c.Name][0]
		case c.Type.ID() == arrow.STRING:
			row[c.Name] = fmt.Sprintf("canary:%s:%s:%d", c.Name, id, i)
		case c.Type.ID() == arrow.BOOL:
			row[c.Name] = false
		case c.Type.ID() == arrow.TIMESTAMP:
			row[c.Name] = at.Format(time.DateTime)
		case c.Type.ID() == arrow.DATE32:
			row[c.Name] = at.Format(time.DateOnly)
		default:
			row[c.Name] = 1
		}
	}
	return row
}

// order exports everything of a study.
func order(t testing.TB, s *study.Study, format Format) Order {
	t.Helper()
	return Order{
		Study: s, Format: format, Path: filepath.Join(t.TempDir(), "out"), Busy: func(string) func() { return func() {} },
		Chosen: views.Selection{Preset: views.Dexetl1, Sentinels: views.AsSent},
	}
}

// few are tables of every kind, which cost less than all views.
func few() []string {
	return []string{"participants", "windows", "exclusions", "glucose", "egvs", "events", "calibrations", "alerts", "devices", "alert_settings", "coverage_days"}
}

func run(t testing.TB, o Order) Result {
	t.Helper()
	done, err := o.Run(t.Context())
	check(t, err)
	return done
}

// cells are all values of an export as text, by table and column, read without the session
// that wrote them.
func cells(t testing.TB, o Order, done Result) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	add := func(table, column, value string) { all[table+"."+column] = append(all[table+"."+column], value) }
	for _, w := range done.Tables {
		path := filepath.Join(o.Path, w.File)
		switch o.Format {
		case CSV:
			readCSV(t, path, w.Table, add)
		case Parquet:
			readParquet(t, path, w.Table, add)
		case DuckDB:
			readDuckDB(t, path, w.Table, add)
		}
	}
	return all
}

func readCSV(t testing.TB, path, table string, add func(table, column, value string)) {
	t.Helper()
	f, err := os.Open(path)
	check(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	check(t, err)
	for _, line := range lines[1:] {
		for i, value := range line {
			add(table, lines[0][i], value)
		}
	}
}

func readParquet(t testing.TB, path, table string, add func(table, column, value string)) {
	t.Helper()
	p, err := file.OpenParquetFile(path, false)
	check(t, err)
	defer p.Close()
	r, err := pqarrow.NewFileReader(p, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	check(t, err)
	rows, err := r.ReadTable(t.Context())
	check(t, err)
	defer rows.Release()
	for i, field := range rows.Schema().Fields() {
		for _, chunk := range rows.Column(i).Data().Chunks() {
			for row := range chunk.Len() {
				add(table, field.Name, strings.Replace(chunk.ValueStr(row), "(null)", "", 1))
			}
		}
	}
}

func readDuckDB(t testing.TB, path, table string, add func(table, column, value string)) {
	t.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=read_only")
	check(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "select columns(*)::varchar from "+quoted(table))
	check(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	check(t, err)
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		check(t, rows.Scan(into...))
		for i, v := range values {
			add(table, names[i], v.String)
		}
	}
	check(t, rows.Err())
}

// content is the bytes of all files of an export.
func content(t testing.TB, path string) string {
	t.Helper()
	var all strings.Builder
	check(t, filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(at)
		all.Write(text)
		return err
	}))
	return all.String()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func sorted(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }

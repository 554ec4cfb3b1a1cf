//go:build linux || darwin

package report

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/report/number"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/transform"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A rowOf is a row of a table by column; what is not named is null, or the least that the
// column takes.
type rowOf map[string]any

// dayOne is the first local date of the readings of these tests.
var dayOne = time.Date(2031, 3, 3, 0, 0, 0, 0, time.UTC)

// glucoseStudy is a study with rows in some tables, and a participant of the roster for
// each row of participants.
func glucoseStudy(t testing.TB, rows map[string][]rowOf) *study.Study {
	t.Helper()
	dir := t.TempDir()
	store, err := state.Open(t.Context(), filepath.Join(dir, "state"))
	must(t, err)
	t.Cleanup(func() { store.Close() })
	store.By = state.Author{Who: "tester", Command: "test"}
	now := func() time.Time { return dayOne.AddDate(0, 1, 0) }
	s := &study.Study{Dir: dir, Store: store, Cohort: &cohort.Cohort{Store: store}, Program: study.Program{Version: "test", Now: now}}
	s.Config = config.Config{Lake: config.Lake{Path: "lake"}, State: config.State{Path: "state"}, Study: config.Study{ID: "TEST"}}
	for _, p := range rows["participants"] {
		must(t, s.Cohort.AddParticipant(t.Context(), whoOf(p)))
	}
	l, err := lake.Open(s.LakePath())
	must(t, err)
	t.Cleanup(func() { l.Close() })
	commitTables(t, l, rows)
	commitTables(t, l, map[string][]rowOf{"glucose_days": daysOf(t, l)})
	return s
}

func commitTables(t testing.TB, l *lake.Lake, rows map[string][]rowOf) {
	t.Helper()
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
	must(t, err)
	defer guard.Unlock()
	parent, err := l.Current()
	must(t, err)
	c := l.Begin(parent)
	for _, table := range transform.Tables() {
		if len(rows[table.Name]) > 0 {
			c.Replace(nil, writeTable(t, c, table, rows[table.Name]))
		}
	}
	_, err = c.Finish(t.Context(), lake.Manifest{Run: "run"})
	must(t, err)
}

// daysOf are the rows of glucose_days that follow from glucose.
func daysOf(t testing.TB, l *lake.Lake) (rows []rowOf) {
	t.Helper()
	m, err := l.Current()
	must(t, err)
	db, err := snapshot.Open(t.Context(), l, m, study.ComputeSpans, snapshot.Limits{})
	must(t, err)
	defer db.Close()
	found, err := db.QueryContext(t.Context(), views.GlucoseDays())
	must(t, err)
	read, err := table.Read("", found)
	must(t, err)
	for _, values := range read.Rows {
		row := rowOf{}
		for i, value := range values {
			if at, isTime := value.(time.Time); isTime && read.Columns[i] == "local_date" {
				value = at.Format(time.DateOnly)
			} else if isTime {
				value = at.Format(time.DateTime)
			}
			row[read.Columns[i]] = value
		}
		rows = append(rows, row)
	}
	return rows
}

func whoOf(p rowOf) cohort.Participant {
	text := func(column string) string { words, _ := p[column].(string); return words }
	return cohort.Participant{ID: text("participant_id"), Site: text("site"), Cohort: text("cohort"), Arm: text("arm"), Status: "enrolled"}
}

func writeTable(t testing.TB, c *lake.Commit, table transform.Table, rows []rowOf) lake.File {
	t.Helper()
	partition := ""
	if table.Time != "" {
		partition = dayOne.Format("2006-01")
	}
	w, err := c.Create(table, partition, "")
	must(t, err)
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for _, row := range rows {
		whole := map[string]any{}
		for _, column := range table.Columns {
			value, given := row[column.Name]
			if !given && !column.Nullable {
				value = leastOf(column.Type)
			}
			whole[column.Name] = value
		}
		text, err := json.Marshal(whole)
		must(t, err)
		must(t, b.UnmarshalJSON(text))
	}
	must(t, w.Write(b.NewRecordBatch()))
	f, err := w.Close()
	must(t, err)
	return f
}

func leastOf(kind arrow.DataType) any {
	switch kind.ID() {
	case arrow.STRING:
		return ""
	case arrow.BOOL:
		return false
	case arrow.TIMESTAMP:
		return dayOne.Format(time.DateTime)
	case arrow.DATE32:
		return dayOne.Format(time.DateOnly)
	}
	return 0
}

// days are readings every five minutes of so many whole days, in a zone an hour ahead of
// UTC; the function gives the values, 0 for no reading.
func days(id string, from time.Time, n int, mgdL func(day, slot int) int) (rows []rowOf) {
	for day := range n {
		for slot := range 288 {
			local := from.AddDate(0, 0, day).Add(time.Duration(slot) * 5 * time.Minute)
			if g := mgdL(day, slot); g > 0 {
				rows = append(rows, rowOf{
					"participant_id": id, "time_utc": local.Add(-time.Hour).Format(time.DateTime), "local_time": local.Format(time.DateTime),
					"local_date": local.Format(time.DateOnly), "local_time_source": "sent", "glucose_mgdl": g, "glucose_source": "value", "cadence_min": 5, "n_sources": 1,
				})
			}
		}
	}
	return rows
}

// waves go up and down between lows and highs, and miss an hour every third day.
func waves(day, slot int) int {
	if day%3 == 2 && slot >= 100 && slot < 112 {
		return 0
	}
	step := (slot + 17*day) % 96
	if step > 48 {
		step = 96 - step
	}
	return 45 + 5*step + (slot*7+day*13)%11
}

// reportOf is an order of everybody, with words that say little.
func reportOf(t testing.TB, s *study.Study, chosen views.Selection) Order {
	t.Helper()
	people, err := s.Cohort.Participants(t.Context())
	must(t, err)
	o := Order{Study: s, Chosen: chosen, Palette: page.Convention, Unit: number.MgdL, Path: filepath.Join(t.TempDir(), "report")}
	for _, who := range people {
		o.People = append(o.People, study.Person{Who: who})
	}
	o.Busy = func(string) func() { return func() {} }
	o.Say = Words{Consent: func(study.Person) string { return "connected" }, ToDo: func(study.Person) string { return "call them" }}
	return o
}

func begun(t testing.TB, o Order) *work {
	t.Helper()
	w, err := o.begin(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, w.close()) })
	return w
}

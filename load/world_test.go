package load

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
	Logf(string, ...any)
}

// now is the clock of these tests.
var now = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// A world is a raw log and lakes that are folded from it.
type world struct {
	t    fataler
	dir  string
	log  *raw.Log
	n    int       // answers appended
	user string    // userId of the answers; "": they do not say
	time time.Time // when the next answer is asked
	mem  memory.Allocator
}

func newWorld(t fataler, dir string) *world {
	t.Helper()
	log, err := raw.Open(dir + "/raw")
	if err != nil {
		t.Fatalf("raw.Open: %v", err)
	}
	return &world{t: t, dir: dir, log: log, user: "u", time: now, mem: memory.DefaultAllocator}
}

// answer appends an answer of records, each a JSON object, and an hour passes.
func (w *world) answer(participant, connection, resource string, from, to time.Time, records ...string) raw.Header {
	w.t.Helper()
	body := fmt.Sprintf(`{"recordType":%q,"recordVersion":"3.0",%s"records":[%s]}`, resource, w.userMember(), strings.Join(records, ","))
	return w.append(raw.Header{
		ParticipantID: participant, ConnectionID: connection, Resource: resource,
		WindowStart: from, WindowEnd: to, Records: len(records),
	}, body)
}

func (w *world) userMember() string {
	if w.user == "" {
		return ""
	}
	return fmt.Sprintf(`"userId":%q,`, w.user)
}

func (w *world) append(h raw.Header, body string) raw.Header {
	w.t.Helper()
	w.n++
	h.RequestID, h.RunID, h.Beat = fmt.Sprintf("REQ%06d", w.n), "RUN", "backfill"
	h.Status, h.AskedAt, h.ServerDate = cmp.Or(h.Status, 200), w.time, w.time.Truncate(time.Second)
	w.time = w.time.Add(time.Hour)
	e, err := w.log.Append(context.Background(), h, []byte(body))
	if err != nil {
		w.t.Fatalf("Append(%s): %v", h.RequestID, err)
	}
	return e.Header
}

// A tank is a lake and what folds into it.
type tank struct {
	*Loader
	t      fataler
	unlock func()
}

// tank opens a lake of its own, locked.
func (w *world) tank(name string, commitBytes int64) *tank {
	w.t.Helper()
	l, err := lake.Open(w.dir + "/" + name)
	if err != nil {
		w.t.Fatalf("lake.Open: %v", err)
	}
	guard, err := l.Lock(context.Background(), 0, lake.Holder{Command: "test"})
	if err != nil {
		w.t.Fatalf("Lock: %v", err)
	}
	return &tank{
		Loader: &Loader{Lake: l, Log: w.log, Mem: w.mem, Now: func() time.Time { return w.time }, CommitBytes: commitBytes},
		t:      w.t,
		unlock: func() {
			if err := guard.Unlock(); err != nil {
				w.t.Fatalf("Unlock: %v", err)
			}
			l.Close()
		},
	}
}

func (k *tank) load(study Study) Result {
	k.t.Helper()
	r, err := k.Load(context.Background(), study, "RUN")
	if err != nil {
		k.t.Fatalf("Load: %v", err)
	}
	return r
}

// rows returns the rows of a table, each as "column=value ..." of columns, all
// of them if none are named, sorted.
func (k *tank) rows(table string, columns ...string) []string {
	k.t.Helper()
	m, err := k.Lake.Current()
	if err != nil {
		k.t.Fatalf("Current: %v", err)
	}
	var out []string
	for _, f := range m.TableFiles(table) {
		for b, err := range k.Lake.Read(context.Background(), f, lake.ReadOptions{}) {
			if err != nil {
				k.t.Fatalf("Read(%s): %v", f.Path, err)
			}
			for row := range int(b.NumRows()) {
				out = append(out, rowText(b, row, columns))
			}
			b.Release()
		}
	}
	slices.Sort(out)
	return out
}

func rowText(b arrow.RecordBatch, row int, columns []string) string {
	var parts []string
	for i, c := range b.Columns() {
		if name := b.ColumnName(i); len(columns) == 0 || slices.Contains(columns, name) {
			parts = append(parts, name+"="+valueText(c, row))
		}
	}
	return strings.Join(parts, " ")
}

func valueText(a arrow.Array, row int) string {
	if t, ok := a.(*array.Timestamp); ok && a.IsValid(row) {
		return timeOf(t.Value(row)).Format("2006-01-02T15:04:05")
	}
	if a.IsNull(row) {
		return "-"
	}
	return a.ValueStr(row)
}

// all returns every table as text.
func (k *tank) all() map[string][]string {
	tables := make(map[string][]string)
	for _, t := range allTables() {
		tables[t] = k.rows(t)
	}
	k.checkDays()
	return tables
}

func allTables() []string {
	return []string{
		"glucose", "egvs", "events", "event_notes", "calibrations", "alerts", "devices", "alert_settings", "coverage",
		"glucose_days", "coverage_days", "rejects", "changes", "vanish_pending", "connection_accounts", "connection_ranges", "participants", "connections", "windows", "exclusions", "withdrawals", "settings", "requests",
	}
}

// sameLakes compares tables as returned by all.
func sameLakes(t fataler, what string, got, want map[string][]string) {
	t.Helper()
	for _, table := range allTables() {
		sameText(t, what+": table "+table, got[table], want[table])
	}
}

func sameText(t fataler, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(none)", "(none)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s: row %d of %d/%d:\n got  %s\n want %s", what, i, len(got), len(want), g, w)
		}
	}
}

// checkLayout checks that files are sorted, closed ranges disjoint and keys
// unique, in all tables if none are named.
func (k *tank) checkLayout(tables ...string) {
	k.t.Helper()
	m, err := k.Lake.Current()
	if err != nil {
		k.t.Fatalf("Current: %v", err)
	}
	if len(tables) == 0 {
		tables = allTables()
	}
	for _, name := range tables {
		t := shapeNamed(name)
		keys := make(map[string]string)
		var closed []lake.File
		for _, f := range m.TableFiles(name) {
			if f.Day == "" {
				closed = append(closed, f)
			}
			k.checkFile(t, f, keys)
		}
		if name == "requests" {
			continue
		}
		slices.SortFunc(closed, func(a, b lake.File) int {
			return strings.Compare(a.Partition+"/"+a.FirstParticipant, b.Partition+"/"+b.FirstParticipant)
		})
		for i := 1; i < len(closed); i++ {
			if a, b := closed[i-1], closed[i]; a.Partition == b.Partition && a.LastParticipant >= b.FirstParticipant {
				k.t.Fatalf("table %s %s: files overlap: %s..%s and %s..%s", name, a.Partition,
					a.FirstParticipant, a.LastParticipant, b.FirstParticipant, b.LastParticipant)
			}
		}
	}
}

func (k *tank) checkFile(t shape, f lake.File, keys map[string]string) {
	k.t.Helper()
	batches, err := readAll(context.Background(), k.Lake, []lake.File{f}, lake.ReadOptions{})
	if err != nil {
		k.t.Fatalf("Read(%s): %v", f.Path, err)
	}
	defer releaseAll(batches)
	for i, b := range batches {
		for row := range int(b.NumRows()) {
			key := rowText(b, row, t.Key)
			if other, twice := keys[key]; twice {
				k.t.Fatalf("table %s: key %s in %s and in %s", t.Name, key, other, f.Path)
			}
			keys[key] = f.Path
			prev, prevRow := b, row-1
			if row == 0 {
				if i == 0 {
					continue
				}
				prev, prevRow = batches[i-1], int(batches[i-1].NumRows())-1
			}
			if compareRows(prev, prevRow, b, row, t.order) > 0 {
				k.t.Fatalf("table %s file %s: row %d is out of order", t.Name, f.Path, row)
			}
		}
	}
}

func at(day int, clock string) time.Time {
	c, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 3, day, c.Hour(), c.Minute(), c.Second(), 0, time.UTC)
}

// egv is an EGV record with an offset of -5 h, from a phone.
func egv(id string, t time.Time, value int) string {
	return fmt.Sprintf(`{"recordId":%q,"systemTime":%q,"displayTime":%q,"transmitterId":"T1","transmitterTicks":%d,"value":%d,`+
		`"trend":"flat","trendRate":0.5,"unit":"mg/dL","rateUnit":"mg/dL/min","displayDevice":"iOS","transmitterGeneration":"g7","displayApp":"G7"}`,
		id, t.Format("2006-01-02T15:04:05Z"), t.Add(-5*time.Hour).Format("2006-01-02T15:04:05")+"-05:00",
		1000+(t.Unix()-now.AddDate(-1, 0, 0).Unix()), value)
}

func TestFoldSimplest(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.answer("P1", "C1", "egvs", at(1, "00:00:00"), at(9, "00:00:00"), egv("b", at(2, "00:05:00"), 110), egv("a", at(2, "00:00:00"), 100))
	k := w.tank("lake", 0)
	defer k.unlock()
	r := k.load(Study{Participants: []Participant{{ID: "P1", Timezone: "America/New_York", AnchorDate: at(1, "00:00:00")}}})
	if got, want := r.Tables["egvs"], (Counts{Added: 2}); got != want || r.Applied != 1 || r.Snapshot != 1 {
		t.Fatalf("Load: %+v", r)
	}
	sameText(t, "glucose", k.rows("glucose", "time_utc", "local_time", "local_time_source", "study_day", "glucose_mgdl", "n_sources"), []string{
		"time_utc=2026-03-02T00:00:00 local_time=2026-03-01T19:00:00 local_time_source=sent study_day=1 glucose_mgdl=100 n_sources=1",
		"time_utc=2026-03-02T00:05:00 local_time=2026-03-01T19:05:00 local_time_source=sent study_day=1 glucose_mgdl=110 n_sources=1",
	})
	sameText(t, "coverage", k.rows("coverage", "resource", "asked_from", "asked_to", "records"), []string{
		"resource=egvs asked_from=2026-03-01T00:00:00 asked_to=2026-03-09T00:00:00 records=2",
	})
	sameText(t, "requests", k.rows("requests", "request_id", "records", "new", "outcome"), []string{"request_id=REQ000001 records=2 new=2 outcome=applied"})
	k.checkLayout()
}

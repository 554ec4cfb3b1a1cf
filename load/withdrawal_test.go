package load

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/raw"
)

// A cell is a quarantine in memory: by participant and table, rows as text.
type cell struct {
	t    fataler
	err  error // of the next Keep
	rows map[string]map[string][]string
}

func (c *cell) Keep(_ context.Context, participant string, tables []LeftOut) error {
	if c.err != nil {
		return c.err
	}
	c.rows[participant] = map[string][]string{}
	for _, t := range tables {
		rows := parquetRows(c.t, t.Parquet)
		if len(rows) != t.Rows {
			c.t.Fatalf("quarantine of %s: %d rows, %d said", t.Table, len(rows), t.Rows)
		}
		c.rows[participant][t.Table] = rows
	}
	return nil
}

// all are the rows of a table of everybody.
func (c *cell) all(table string) (rows []string) {
	for _, tables := range c.rows {
		rows = append(rows, tables[table]...)
	}
	slices.Sort(rows)
	return rows
}

func parquetRows(t fataler, file []byte) (rows []string) {
	t.Helper()
	mem := memory.DefaultAllocator
	table, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(file), parquet.NewReaderProperties(mem), pqarrow.ArrowReadProperties{}, mem)
	if err != nil {
		t.Fatalf("quarantined file: %v", err)
	}
	defer table.Release()
	reader := array.NewTableReader(table, 1<<20)
	defer reader.Release()
	for reader.Next() {
		b := reader.RecordBatch()
		for row := range int(b.NumRows()) {
			rows = append(rows, rowText(b, row, nil))
		}
	}
	slices.Sort(rows)
	return rows
}

// without returns the rows of a that are not in b, each as often as it is more.
func without(a, b []string) (rows []string) {
	count := map[string]int{}
	for _, r := range b {
		count[r]++
	}
	for _, r := range a {
		if count[r]--; count[r] < 0 {
			rows = append(rows, r)
		}
	}
	return rows
}

// Whenever people withdraw, change their mind about since when, and whatever is
// in the log before and after: the lake is what the rules make of the answers
// without what was recorded from then on, a replay makes the same one, and the
// quarantine has, once, every row that is missing.
func TestWithdrawnHistories(t *testing.T) {
	t.Parallel()
	histories(t, func(t *rapid.T, h *history) {
		first := &cell{t: t, rows: map[string]map[string][]string{}}
		live := h.tank("live", rapid.SampledFrom([]int64{1, 2000, 20000}).Draw(t, "commit bytes"))
		defer live.unlock()
		live.layout = layout{maxRows: 40, maxFiles: 2, minGroup: rapid.SampledFrom([]int64{0, 20, 8192}).Draw(t, "rows copied"), hotDays: rapid.SampledFrom([]int{1, 40}).Draw(t, "hot days")}
		live.Quarantine = first
		study := historyStudy()
		withdrawals := map[string]Withdrawal{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			h.step(t)
			if rapid.IntRange(0, 5).Draw(t, "withdraw?") == 0 {
				w := Withdrawal{
					ParticipantID: rapid.SampledFrom([]string{"P1", "P1", "P2"}).Draw(t, "who"),
					EffectiveAt:   slots.Add(time.Duration(rapid.IntRange(0, 66*24).Draw(t, "hour")) * time.Hour), RecordedAt: h.time,
				}
				if before := withdrawals[w.ParticipantID].RecordedAt; w.RecordedAt.Before(before) { // the clock went back
					w.RecordedAt = before
				}
				withdrawals[w.ParticipantID] = w
				study.Withdrawals = slices.SortedFunc(maps.Values(withdrawals), func(a, b Withdrawal) int { return strings.Compare(a.ParticipantID, b.ParticipantID) })
			}
			switch rapid.IntRange(0, 11).Draw(t, "load?") {
			case 0, 1:
				live.load(study)
			case 2:
				h.compact(live, study)
			}
		}
		live.load(study)
		h.cut(study.cuts())
		h.check(live)
		live.checkLayout()
		replayed, whole := h.tank("replayed", 0), h.tank("whole", 0)
		defer replayed.unlock()
		defer whole.unlock()
		second := &cell{t: t, rows: map[string]map[string][]string{}}
		replayed.Quarantine = second
		replayed.load(study)
		got := live.all()
		again := replayed.all()
		sameLakes(t, "replayed in one commit", again, got)
		all := study
		all.Withdrawals = nil
		whole.load(all)
		for _, of := range recordTables() {
			table := of.Name
			sameText(t, "quarantine of "+table, first.all(table), without(whole.rows(table), got[table]))
			sameText(t, "quarantine of the replayed "+table, second.all(table), first.all(table))
		}
		if r := live.load(study); r.Commits != 0 {
			t.Fatalf("Load again: %d commits, want none", r.Commits)
		}
	})
}

// cut tells the models everything anew, this time with withdrawals.
func (h *history) cut(c map[string]time.Time) {
	for resource := range h.models {
		h.models[resource] = newModel(resource)
		h.models[resource].cuts = c
	}
	for _, a := range h.asked {
		h.models[a.Resource].apply(a.Header, a.served, h.trust(a, c))
	}
}

// What a withdrawal leaves of each table.
func TestWithdrawalTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	from, to := at(1, "00:00:00"), at(9, "00:00:00")
	before, cut, after := at(2, "12:00:00"), at(5, "00:00:00"), at(7, "12:00:00")
	note := func(id string, t time.Time) string { return event(id, "notes", "secret", "created", t) }
	odd := func(id, clock string) string {
		return fmt.Sprintf(`{"recordId":%q,"systemTime":%q,"value":"x"}`, id, clock)
	}
	for i, p := range []string{"P1", "P2"} {
		w.time = at(3, "00:00:00").Add(time.Duration(i) * time.Hour / 2)
		w.answer(p, "A"+p, "devices", time.Time{}, time.Time{}, deviceJSON("2026-03-02T00:00:00Z", "modern", 1))
		w.answer(p, "A"+p, "egvs", from, to, egv("a", before, 100), odd("r1", "2026-03-02T00:00:00Z"), odd("r2", "never"))
		w.time = at(8, "00:00:00").Add(time.Duration(i) * time.Hour / 2)
		w.answer(p, "A"+p, "devices", time.Time{}, time.Time{}, deviceJSON("2026-03-07T00:00:00Z", "classic", 2))
		w.answer(p, "A"+p, "egvs", from, to, egv("a", before, 101), egv("b", after, 110),
			odd("r3", "2026-03-02T00:00:00Z"), odd("r4", "never"), odd("r5", "2026-03-07T00:00:00Z"))
		w.answer(p, "A"+p, "egvs", from, to, egv("a", before, 101), egv("b", after, 111),
			egv("c", cut.Add(-5*time.Minute), 120), egv("d", cut, 130))
		w.answer(p, "A"+p, "events", from, to, note("n2", after), event("e", "carbs", "5", "created", before), note("n1", before))
		w.append(raw.Header{ParticipantID: p, ConnectionID: "A" + p, Resource: "dataRange"}, dataRange("2026-03-02T00:00:00", "2026-03-08T00:00:00"))
	}
	cell := &cell{t: t, rows: map[string]map[string][]string{}}
	k := w.tank("lake", 0)
	defer k.unlock()
	k.Quarantine = cell
	k.load(Study{})
	whole := k.all()
	r := k.load(Study{Withdrawals: []Withdrawal{{"P1", cut, w.time}}})
	if r.Tables["egvs"].Removed != 2 || r.Tables["glucose"].Removed != 2 || r.Commits != 1 {
		t.Errorf("Load: %+v; want two rows each of egvs and glucose removed in one commit", r)
	}
	of := func(rows []string, participant string) (out []string) {
		for _, row := range rows {
			if strings.Contains(row, "participant_id="+participant+" ") {
				out = append(out, row)
			}
		}
		return out
	}
	now := k.all()
	for _, table := range allTables() {
		sameText(t, "P2 in "+table, of(now[table], "P2"), of(whole[table], "P2"))
	}
	mine := func(table string, columns ...string) (rows []string) {
		for _, row := range k.rows(table, append(columns, "participant_id")...) {
			if strings.Contains(row, "participant_id=P1") {
				rows = append(rows, strings.TrimSpace(strings.ReplaceAll(row, "participant_id=P1", "")))
			}
		}
		return rows
	}
	sameText(t, "egvs", mine("egvs", "record_id"), []string{"record_id=a", "record_id=c"})
	sameText(t, "glucose", mine("glucose", "glucose_mgdl"), []string{"glucose_mgdl=101", "glucose_mgdl=120"})
	sameText(t, "events", mine("events", "record_id"), []string{"record_id=e", "record_id=n1"})
	sameText(t, "event_notes", mine("event_notes", "record_id"), []string{"record_id=n1"})
	sameText(t, "changes", mine("changes", "record_id", "seen_at"), []string{"record_id=a seen_at=2026-03-08T01:00:00"})
	sameText(t, "devices", mine("devices", "last_upload_date", "valid_to"), []string{"last_upload_date=2026-03-02T00:00:00 valid_to=-"})
	sameText(t, "alert_settings", mine("alert_settings", "sound_theme", "valid_to"), []string{"sound_theme=modern valid_to=-"})
	sameText(t, "rejects", mine("rejects", "seen_at"), []string{"seen_at=2026-03-03T01:00:00", "seen_at=2026-03-03T01:00:00", "seen_at=2026-03-08T01:00:00"})
	sameText(t, "coverage", of(now["coverage"], "P1"), []string{
		"participant_id=P1 resource=dataRange asked_from=- asked_to=- asked_at=2026-03-08T04:00:00 records=0 data_from=- data_to=-",
		"participant_id=P1 resource=devices asked_from=- asked_to=- asked_at=2026-03-08T00:00:00 records=1 data_from=- data_to=-",
		"participant_id=P1 resource=egvs asked_from=2026-03-01T00:00:00 asked_to=2026-03-05T00:00:00 asked_at=2026-03-08T02:00:00 records=2 data_from=- data_to=-",
		"participant_id=P1 resource=events asked_from=2026-03-01T00:00:00 asked_to=2026-03-05T00:00:00 asked_at=2026-03-08T03:00:00 records=2 data_from=- data_to=-",
	})
	sameText(t, "coverage_days", mine("coverage_days", "resource", "day", "records", "slots"), []string{
		"resource=egvs day=2026-03-02T00:00:00 records=1 slots=1",
		"resource=egvs day=2026-03-04T00:00:00 records=1 slots=1",
		"resource=events day=2026-03-02T00:00:00 records=2 slots=-",
	})
	sameText(t, "requests", mine("requests", "request_id", "resource", "records", "new", "changed"), []string{
		"request_id=REQ000001  resource=devices records=1 new=1 changed=0",
		"request_id=REQ000002  resource=egvs records=3 new=1 changed=0",
		"request_id=REQ000003  resource=devices records=1 new=0 changed=0",
		"request_id=REQ000004  resource=egvs records=5 new=0 changed=1",
		"request_id=REQ000005  resource=egvs records=4 new=1 changed=0",
		"request_id=REQ000006  resource=events records=3 new=2 changed=0",
		"request_id=REQ000007  resource=dataRange records=0 new=0 changed=0",
	})
	for _, of := range recordTables() {
		table := of.Name
		sameText(t, "quarantine of "+table, cell.all(table), without(whole[table], now[table]))
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// BenchmarkStatus is status of 1,000 people who were synced every hour for a
// year. DEXETL_BENCH_EGVS is how many rows egvs has beside: none by default, as
// they make no difference. What the rest says is as large as in a real lake, and
// otherwise invented.
func BenchmarkStatus(b *testing.B) {
	y := year{b: b, dir: filepath.Join(b.TempDir(), "study"), people: 1000, days: 365, start: demoNow.AddDate(-1, 0, 0).Truncate(24 * time.Hour)}
	y.run("init", y.dir, "--base-url", "http://127.0.0.1:9")
	roster := new(strings.Builder)
	roster.WriteString("participant_id,study_start\n")
	for i := range y.people {
		fmt.Fprintf(roster, "%s,%s\n", y.participant(i), y.start.Format(time.DateOnly))
	}
	path := filepath.Join(b.TempDir(), "roster.csv")
	if err := os.WriteFile(path, []byte(roster.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	y.run("participants", "import", path)
	y.lake()
	spent := cpuTime()
	for b.Loop() {
		if out := y.run("status", "--json"); !strings.Contains(out, "P0999") || !strings.Contains(out, `"coverage_14d_pct": 97.2`) {
			b.Fatalf("status tells of less than it was given: %.500s", out)
		}
	}
	b.ReportMetric(float64((cpuTime()-spent).Milliseconds())/float64(b.N), "cpu-ms/op") // what a busy machine does not change
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// A year is a lake in the making.
type year struct {
	b            testing.TB
	dir          string
	people, days int
	start        time.Time
	commit       *lake.Commit
}

func (y *year) participant(i int) string { return fmt.Sprintf("P%04d", i) }

func (y *year) run(args ...string) string {
	y.b.Helper()
	var out, errs bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &sharedWriter{to: &errs},
		getenv: func(string) string { return "" }, now: func() time.Time { return demoNow }}
	if code := runChecked(y.b, p, append([]string{"dexetl", "--study", y.dir}, args...)); code != exitDone {
		y.b.Fatalf("dexetl %s: exit %d\n%s", strings.Join(args, " "), code, &errs)
	}
	return out.String()
}

func (y *year) lake() {
	y.write(func() {
		y.file("participants", "", y.people, 1, func(row int) map[string]any {
			return map[string]any{"participant_id": y.participant(row), "study_start": y.start}
		})
		resources := []string{"alerts", "calibrations", "dataRange", "egvs", "events"}
		y.file("coverage", "", y.people*len(resources), 1, func(row int) map[string]any {
			return map[string]any{"participant_id": y.participant(row / len(resources)), "resource": resources[row%len(resources)], "records": int64(100_000),
				"asked_from": y.start, "asked_to": demoNow, "asked_at": demoNow, "data_from": y.start, "data_to": demoNow}
		})
		y.months()
	})
}

// write commits the tables that are written.
func (y *year) write(tables func()) {
	y.b.Helper()
	l, err := lake.Open(filepath.Join(y.dir, "lake"))
	if err != nil {
		y.b.Fatal(err)
	}
	defer l.Close()
	guard, err := l.Lock(context.Background(), 0, lake.Holder{})
	if err != nil {
		y.b.Fatal(err)
	}
	defer guard.Unlock()
	y.commit = l.Begin(lake.Manifest{})
	tables()
	if _, err := y.commit.Finish(context.Background(), lake.Manifest{CreatedAt: demoNow, Run: "RUN", Program: "test"}); err != nil {
		y.b.Fatal(err)
	}
}

// months writes the tables that have months: eight files of counts in each, as
// many as there are before the loader joins them.
func (y *year) months() {
	egvs, _ := strconv.Atoi(os.Getenv("DEXETL_BENCH_EGVS"))
	counted := []string{"alerts", "calibrations", "egvs", "events"}
	for month := y.start.AddDate(0, 0, 1-y.start.Day()); month.Before(demoNow); month = month.AddDate(0, 1, 0) {
		name, days := month.Format("2006-01"), month.AddDate(0, 1, -1).Day()
		const parts = 8
		for part := range parts {
			each := y.people / parts
			y.file("coverage_days", name, each*len(counted)*days, 1, func(row int) map[string]any {
				day := month.AddDate(0, 0, row%days)
				return map[string]any{"participant_id": y.participant(part*each + row/days/len(counted)), "resource": counted[row/days%len(counted)], "day": day,
					"records": int64(288), "slots": int64(280), "first_record": day, "last_record": day.Add(time.Hour)}
			})
		}
		const batch = 100_000
		y.file("requests", name, batch, y.people*24*days/batch, func(row int) map[string]any {
			return map[string]any{"participant_id": y.participant(row % y.people), "resource": "dataRange", "asked_at": month.Add(time.Duration(row) * time.Second),
				"request_id": strconv.Itoa(row), "outcome": "applied"}
		})
		if egvs > 0 {
			y.file("egvs", name, batch, egvs/12/batch, func(row int) map[string]any {
				return map[string]any{"participant_id": y.participant(row / 100), "system_time": month.Add(time.Duration(row) * time.Second), "record_id": strconv.Itoa(row)}
			})
		}
	}
}

// file writes rows, several times over.
func (y *year) file(table, partition string, rows, times int, value func(row int) map[string]any) {
	y.b.Helper()
	t, _ := transform.TableNamed(table)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, t.Schema())
	defer builder.Release()
	for row := range rows {
		values := value(row)
		for i, c := range t.Columns {
			put(builder.Field(i), values[c.Name], c.Nullable)
		}
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	w, err := y.commit.Create(t, partition, "")
	for i := 0; i < times && err == nil; i++ {
		err = w.Write(batch)
	}
	if err != nil {
		y.b.Fatal(err)
	}
	f, err := w.Close()
	if err != nil {
		y.b.Fatal(err)
	}
	y.commit.Add(f)
}

// put appends v, or for want of a value null or something short.
func put(to array.Builder, v any, nullable bool) {
	if v == nil && nullable {
		to.AppendNull()
		return
	}
	switch to := to.(type) {
	case *array.StringBuilder:
		text, _ := v.(string)
		to.Append(text)
	case *array.BinaryDictionaryBuilder:
		text, _ := v.(string)
		if err := to.AppendString(text); err != nil {
			panic(err)
		}
	case *array.TimestampBuilder:
		at, _ := v.(time.Time)
		to.Append(arrow.Timestamp(at.UnixMicro()))
	case *array.Int16Builder:
		n, _ := v.(int16)
		to.Append(n)
	case *array.Int64Builder:
		n, _ := v.(int64)
		to.Append(n)
	case *array.Date32Builder:
		to.Append(arrow.Date32FromTime(v.(time.Time)))
	default:
		to.AppendEmptyValue()
	}
}

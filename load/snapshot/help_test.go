package snapshot

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// newLake makes a locked lake in a folder whose name DuckDB could take for a
// pattern and SQL for the end of a string.
func newLake(t testing.TB) *lake.Lake {
	t.Helper()
	return newLakeIn(t, "o'study [1] *")
}

// newLakeIn makes a locked lake in a folder of that name.
func newLakeIn(t testing.TB, name string) *lake.Lake {
	t.Helper()
	l, err := lake.Open(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatalf("lake.Open: %v", err)
	}
	g, err := l.Lock(t.Context(), 0, lake.Holder{Command: t.Name()})
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	t.Cleanup(func() {
		if err := g.Unlock(); err != nil {
			t.Errorf("Unlock: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// commit adds one file of glucose for participant, n readings of 100 mg/dL
// each, with as many of glucose_days, and one of event_notes.
func commit(t testing.TB, l *lake.Lake, participant string, n int) lake.Manifest {
	t.Helper()
	parent, err := l.Current()
	if err != nil {
		t.Fatalf("Current: %v", err)
	}
	c := l.Begin(parent)
	for _, table := range []string{"glucose", "glucose_days"} {
		c.Add(writeFile(t, c, table, participant, n))
	}
	c.Add(writeFile(t, c, "event_notes", participant, 1))
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return m
}

func writeFile(t testing.TB, c *lake.Commit, name, participant string, n int) lake.File {
	t.Helper()
	return writeMonth(t, c, name, participant, march, n)
}

// writeMonth writes rows of the month that begins then; of none for a table without months.
func writeMonth(t testing.TB, c *lake.Commit, name, participant string, month time.Time, n int) lake.File {
	t.Helper()
	table, _ := transform.TableNamed(name)
	partition := ""
	if table.Time != "" {
		partition = month.Format("2006-01")
	}
	w, err := c.Create(table, partition, "")
	if err != nil {
		t.Fatalf("Create(%s): %v", name, err)
	}
	rows := readings(table, participant, month, n)
	defer rows.Release()
	if err := w.Write(rows); err != nil {
		t.Fatalf("Write: %v", err)
	}
	f, err := w.Close()
	if err != nil {
		t.Fatalf("Close: %v", err)
	}
	return f
}

// readings makes n rows of any table, one every five minutes.
func readings(table transform.Table, participant string, month time.Time, n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for i := range n {
		at := month.Add(time.Duration(i) * 5 * time.Minute)
		for c, column := range table.Columns {
			if column.Name == "day" { // begins at midnight
				b.Field(c).(*array.TimestampBuilder).Append(arrow.Timestamp(at.Truncate(24 * time.Hour).UnixMicro()))
				continue
			}
			if column.Name == "excluded" { // they all count
				b.Field(c).AppendNull()
				continue
			}
			switch f := b.Field(c).(type) {
			case *array.StringBuilder:
				f.Append(map[string]string{"participant_id": participant}[column.Name])
			case *array.BinaryDictionaryBuilder:
				if err := f.AppendString(map[string]string{"participant_id": participant}[column.Name]); err != nil {
					panic(err)
				}
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(at.UnixMicro()))
			case *array.Date32Builder:
				f.Append(arrow.Date32FromTime(at))
			case *array.Int16Builder:
				f.Append(100)
			case *array.Int64Builder:
				f.Append(1)
			case *array.ListBuilder:
				f.Append(true) // empty
			case *array.BooleanBuilder:
				f.Append(false)
			default:
				f.AppendNull()
			}
		}
	}
	return b.NewRecordBatch()
}

// ask returns the result of a query as one line of text per row.
func ask(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("query %q: %v", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatalf("query %q: %v", query, err)
	}
	var lines []string
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatalf("query %q: %v", query, err)
		}
		for i, v := range values {
			values[i] = *v.(*any)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintln(values...)))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("query %q: %v", query, err)
	}
	return lines
}

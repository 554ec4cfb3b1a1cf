package apitest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A Row is some columns of a row.
type Row map[string]any

// Commit adds a file of each table of these rows, which lie in one month, in order.
func (s *Series) Commit(rows map[string][]Row) lake.Manifest {
	s.T.Helper()
	if s.held == nil {
		l, err := lake.Open(s.Study.LakePath())
		check(s.T, err)
		s.held = l
		s.T.Cleanup(func() { l.Close() })
	}
	guard, err := s.held.Lock(s.T.Context(), 0, lake.Holder{Command: "test"})
	check(s.T, err)
	defer guard.Unlock()
	parent, err := s.held.Current()
	check(s.T, err)
	c := s.held.Begin(parent)
	for name, list := range rows {
		c.Replace(slices.DeleteFunc(c.Files(), func(f lake.File) bool { return f.Table != name }), writeRows(s.T, c, name, list))
	}
	m, err := c.Finish(s.T.Context(), lake.Manifest{Run: "run"})
	check(s.T, err)
	return m
}

func writeRows(t testing.TB, c *lake.Commit, name string, list []Row) lake.File {
	t.Helper()
	table, _ := transform.TableNamed(name)
	partition := ""
	if table.Time != "" {
		partition = filled(table, list[0])[table.Time].(string)[:7]
	}
	w, err := c.Create(table, partition, "")
	check(t, err)
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for _, r := range list {
		text, err := json.Marshal(filled(table, r))
		check(t, err)
		check(t, b.UnmarshalJSON(text))
	}
	check(t, w.Write(b.NewRecordBatch()))
	f, err := w.Close()
	check(t, err)
	return f
}

// filled is a row with something in every column that may not be null.
func filled(table transform.Table, r Row) Row {
	all := Row{}
	for _, c := range table.Columns {
		switch v, given := r[c.Name]; {
		case given:
			all[c.Name] = v
		case c.Nullable:
		case c.Type.ID() == arrow.STRING:
			all[c.Name] = "x"
		case c.Type.ID() == arrow.BOOL:
			all[c.Name] = false
		case c.Type.ID() == arrow.TIMESTAMP:
			all[c.Name] = "2026-01-01T00:00:00"
		default:
			all[c.Name] = 1
		}
	}
	return all
}

// GlucoseRows are n readings of somebody, five minutes apart, from then on.
func GlucoseRows(id string, from time.Time, n int, mgdl func(i int) any) (rows []Row) {
	for i := range n {
		at := from.Add(time.Duration(i) * 5 * time.Minute)
		rows = append(rows, Row{"participant_id": id, "time_utc": at.Format("2006-01-02T15:04:05"), "local_time": at.Add(-5 * time.Hour).Format("2006-01-02T15:04:05"), "glucose_mgdl": mgdl(i)})
	}
	return rows
}

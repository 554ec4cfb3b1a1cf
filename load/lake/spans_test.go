package lake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dexetl/dexetl/transform"
)

// The rows of a span are those of the whole, whatever row groups they lie in.
func TestReadSpan(t *testing.T) {
	for _, name := range []string{"glucose", "egvs", "glucose_days", "event_notes"} {
		l := locked(t)
		l.GroupBytes = 1
		table := tableNamed(t, name)
		chance := rand.New(rand.NewPCG(5, 5))
		rows := some(table, 3*5000, chance)
		defer rows.Release()
		f := write(t, l.Begin(Manifest{}), table, rows.NewSlice(0, 5000), rows.NewSlice(5000, 10000), rows.NewSlice(10000, 15000))
		whole := readAll(t, l, f, ReadOptions{})
		spans := []Span{{Rows: 1}, {Rows: 15000}, {First: 14999, Rows: 1}, {First: 4999, Rows: 2}, {First: 5000, Rows: 5000}, {First: 100, Rows: 14000}}
		for range 4 {
			first := chance.Int64N(15000)
			spans = append(spans, Span{First: first, Rows: 1 + chance.Int64N(15000-first)})
		}
		for _, s := range spans {
			got := readAll(t, l, f, ReadOptions{Span: s})
			want := whole.NewSlice(s.First, s.First+s.Rows)
			for i, column := range got.Columns() {
				for row := range int(s.Rows) {
					if g, w := column.ValueStr(row), want.Column(i).ValueStr(row); g != w {
						t.Fatalf("%s: rows %d+%d, row %d, %s = %s, want %s", name, s.First, s.Rows, row, got.ColumnName(i), g, w)
					}
				}
			}
		}
		if err := spanErr(l, f, Span{First: 15000, Rows: 1}); err == nil {
			t.Errorf("%s: a span beyond the end is read", name)
		}
	}
}

func spanErr(l *Lake, f File, s Span) error {
	for batch, err := range l.Read(context.Background(), f, ReadOptions{Span: s}) {
		if err != nil {
			return err
		}
		batch.Release()
	}
	return nil
}

func TestSpans(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "egvs")
	f := write(t, l.Begin(Manifest{}), table, egvs(t, 30, 1000))
	spans, err := l.Spans(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if len(spans) != 30 {
		t.Fatalf("%d spans, want 30", len(spans))
	}
	for i, s := range spans {
		if s.First != int64(i)*1000 || s.Rows != 1000 {
			t.Errorf("span %d: %+v, want 1000 rows from %d on", i, s, i*1000)
		}
		rows := readAll(t, l, f, ReadOptions{Columns: []string{"participant_id"}, Span: s})
		for row := range int(rows.NumRows()) {
			if id := transform.TextAt(rows.Column(0), row); id != s.Participant {
				t.Fatalf("row %d of the span of %s is of %s", row, s.Participant, id)
			}
		}
	}
}

// BenchmarkReadSpan reads what a person's day needs out of a month of 100 people.
func BenchmarkReadSpan(b *testing.B) {
	l := locked(b)
	f := write(b, l.Begin(Manifest{}), tableNamed(b, "glucose"), readings(b, 100, 8640))
	spans, err := l.Spans(b.Context(), f)
	if err != nil {
		b.Fatal(err)
	}
	for _, place := range []int{0, 13, 50} {
		b.Run(fmt.Sprint(place), func(b *testing.B) {
			since, n := cpuTime(), int64(0)
			for b.Loop() {
				for batch, err := range l.Read(b.Context(), f, ReadOptions{Columns: []string{"time_utc", "local_time", "glucose_mgdl"}, Span: spans[place]}) {
					if err != nil {
						b.Fatal(err)
					}
					n += batch.NumRows()
					batch.Release()
				}
			}
			b.ReportMetric(float64((cpuTime()-since).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

package lake

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// perRow says what one of rows has cost of CPU since then.
func perRow(b *testing.B, since time.Duration, rows int64) {
	b.ReportMetric(float64(cpuTime()-since)/float64(int64(b.N)*rows), "cpu-ns/row")
}

// cpuTime is what this process has used of all processors, which a busy machine does
// not change.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// readings are rows of glucose that lie where those of egvs do.
func readings(b *testing.B, people, each int) arrow.RecordBatch {
	from := egvs(b, people, each)
	defer from.Release()
	table := tableNamed(b, "glucose")
	at := func(column string, row int) any {
		return from.Column(from.Schema().FieldIndices(column)[0]).GetOneForMarshal(row)
	}
	return build(table, people*each, func(row int, column string) any {
		system := march.Add(time.Duration(row%each) * 5 * time.Minute)
		switch column {
		case "participant_id", "trend", "transmitter_id":
			return at(column, row)
		case "time_utc":
			return micros(system)
		case "local_time":
			return micros(system.Add(-5 * time.Hour))
		case "local_date":
			return system.Add(-5 * time.Hour)
		case "local_time_source":
			return "sent"
		case "glucose_source":
			return "value"
		case "study_day", "n_sources", "cadence_min":
			return 5
		case "glucose_mgdl":
			return int(at(column, row).(int16))
		case "trend_rate_mgdl_min":
			return at(column, row)
		case "overlap", "clock_suspect":
			return false
		}
		return nil
	})
}

// BenchmarkWrite writes a file of a month of 20 people, and a small one, but for the
// waiting for the disk.
func BenchmarkWrite(b *testing.B) {
	for name, rows := range map[string]arrow.RecordBatch{"egvs": egvs(b, 20, 8640), "glucose": readings(b, 20, 8640), "small": egvs(b, 1, 30)} {
		b.Run(name, func(b *testing.B) {
			l := locked(b)
			table := tableNamed(b, strings.Replace(name, "small", "egvs", 1))
			var bytes int64
			since := cpuTime()
			for b.Loop() {
				rows.Retain()
				bytes = write(b, l.Begin(Manifest{}), table, rows).Bytes
			}
			perRow(b, since, rows.NumRows())
			b.ReportMetric(float64(bytes)/float64(rows.NumRows()), "B/row")
		})
	}
}

// BenchmarkRead reads such files: all columns of all rows, and one person's.
func BenchmarkRead(b *testing.B) {
	for name, rows := range map[string]arrow.RecordBatch{"egvs": egvs(b, 20, 8640), "glucose": readings(b, 20, 8640)} {
		l := locked(b)
		f := write(b, l.Begin(Manifest{}), tableNamed(b, name), rows)
		b.Run(name, func(b *testing.B) {
			since := cpuTime()
			for b.Loop() {
				var n int64
				for part, err := range l.Read(b.Context(), f, ReadOptions{}) {
					if err != nil {
						b.Fatal(err)
					}
					n += part.NumRows()
					part.Release()
				}
				if n != f.Rows {
					b.Fatalf("%d rows, want %d", n, f.Rows)
				}
			}
			perRow(b, since, f.Rows)
		})
	}
}

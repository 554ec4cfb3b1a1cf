package load

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// readingID is the id of a reading of participant p.
func readingID(p int, at time.Time) string {
	i := at.Unix() / 300
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(i*2654435761), p, i)
}

// readings appends an answer of a participant's readings, one each 5 minutes, newest
// first. It returns how many.
func (w *world) readings(p int, from, to time.Time) int {
	var body strings.Builder
	body.WriteString(`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[`)
	n := int(to.Sub(from) / (5 * time.Minute))
	for k := n - 1; k >= 0; k-- {
		at := from.Add(time.Duration(k) * 5 * time.Minute)
		i := int(at.Unix()) / 300
		s := at.Format("2006-01-02T15:04:05")
		fmt.Fprintf(&body, `{"recordId":"%s","systemTime":"%sZ","displayTime":"%s+00:00","transmitterId":"%064x",`+
			`"transmitterTicks":%d,"value":%d,"status":null,"trend":"flat","trendRate":%.1f,"unit":"mg/dL","rateUnit":"mg/dL/min",`+
			`"displayDevice":"iOS","transmitterGeneration":"g7","transmitterGenerationVariant":"g7","displayApp":"G7"}`,
			readingID(p, at), s, s, p*1000+i/2880, i%2880*300+7, 70+(i*7+p)%150, float64(i%40-20)/10)
		if k > 0 {
			body.WriteByte(',')
		}
	}
	body.WriteString("]}")
	id := fmt.Sprintf("P%03d", p+1)
	w.append(raw.Header{
		ParticipantID: id, ConnectionID: "01HZZZZZZZZZZZZZZZZZZZZZ" + id, Resource: "egvs", Records: n, WindowStart: from, WindowEnd: to,
	}, body.String())
	return n
}

// backfill appends what a backfill of people × days of readings logs: windows
// of 30 days, one participant after the other. It returns how many records.
func (w *world) backfill(people, days int) int {
	end := w.time
	start := end.AddDate(0, 0, -days).Truncate(24 * time.Hour)
	records := 0
	for p := range people {
		for from := 0; from < days; from += 30 {
			records += w.readings(p, start.AddDate(0, 0, from), start.AddDate(0, 0, min(from+30, days)))
		}
	}
	w.time = end
	return records
}

// spent is how much CPU this process has used.
func spent() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) //nolint:errcheck // of this process it is known
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBackfill folds the demo's cohort: 20 people, 90 days.
func BenchmarkBackfill(b *testing.B) {
	w := newWorld(b, b.TempDir())
	records := w.backfill(20, 90)
	before := spent()
	for i := 0; b.Loop(); i++ {
		k := w.tank(fmt.Sprint("lake", i), 0)
		r := k.load(Study{})
		if r.Tables["glucose"].Added == 0 || r.Tables["egvs"].Added != records {
			b.Fatalf("Load: %+v", r)
		}
		k.unlock()
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64((spent()-before).Nanoseconds())/float64(records)/float64(b.N), "cpu-ns/record")
}

// BenchmarkCohort folds 90 days of ever more people from one log: what a record costs, and
// how often a row is written, hardly grows.
func BenchmarkCohort(b *testing.B) {
	for _, people := range []int{60, 240} {
		b.Run(fmt.Sprintf("%d people", people), func(b *testing.B) {
			w := newWorld(b, b.TempDir())
			records := w.backfill(people, 90)
			var written, files int64
			var cpu time.Duration
			for i := 0; b.Loop(); i++ {
				k := w.tank(fmt.Sprint("lake", i), 0)
				seen := make(map[string]bool)
				k.Committed = func(_ context.Context, m lake.Manifest) {
					files = int64(len(m.Files))
					for _, f := range m.TableFiles("egvs") {
						if !seen[f.Path] {
							seen[f.Path], written = true, written+f.Rows
						}
					}
				}
				before := spent()
				k.load(Study{})
				cpu += spent() - before
				k.unlock()
			}
			b.ReportMetric(float64(cpu.Nanoseconds())/float64(records)/float64(b.N), "cpu-ns/record")
			b.ReportMetric(float64(written)/float64(records)/float64(b.N), "written/row")
			b.ReportMetric(float64(files), "files")
		})
	}
}

// BenchmarkHourly folds an hour's news of everybody, on top of some months of
// history: each answer has the hour before, too.
func BenchmarkHourly(b *testing.B) {
	const people = 20
	for _, days := range []int{30, 90, 360} {
		b.Run(fmt.Sprintf("%d days", days), func(b *testing.B) {
			w := newWorld(b, b.TempDir())
			w.backfill(people, days)
			k := w.tank("lake", 0)
			k.load(Study{})
			defer k.unlock()
			hour := now.Truncate(24 * time.Hour)
			before := spent()
			for b.Loop() {
				hour = hour.Add(time.Hour)
				for p := range people {
					w.time = hour
					w.readings(p, hour.Add(-2*time.Hour), hour)
				}
				if r := k.load(Study{}); r.Tables["glucose"].Added != 12*people {
					b.Fatalf("Load: %+v", r)
				}
			}
			b.ReportMetric(float64((spent()-before).Microseconds())/1000/people/float64(b.N), "cpu-ms/person")
		})
	}
}

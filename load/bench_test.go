package load

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
)

// backfill appends what a backfill of people × days of readings logs: windows
// of 30 days, one participant after the other. It returns how many records.
func (w *world) backfill(people, days int) int {
	w.t.Helper()
	start := w.time.AddDate(0, 0, -days).Truncate(24 * time.Hour)
	records := 0
	for p := range people {
		id := fmt.Sprintf("P%03d", p+1)
		for from := 0; from < days; from += 30 {
			var body strings.Builder
			body.WriteString(`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[`)
			n := 288 * min(30, days-from)
			for i := n - 1; i >= 0; i-- {
				t := start.AddDate(0, 0, from).Add(time.Duration(i) * 5 * time.Minute)
				s := t.Format("2006-01-02T15:04:05")
				fmt.Fprintf(&body, `{"recordId":"%08x-%04x-4000-8000-%012x","systemTime":"%sZ","displayTime":"%s+00:00","transmitterId":"%064x",`+
					`"transmitterTicks":%d,"value":%d,"status":null,"trend":"flat","trendRate":%.1f,"unit":"mg/dL","rateUnit":"mg/dL/min",`+
					`"displayDevice":"iOS","transmitterGeneration":"g7","transmitterGenerationVariant":"g7","displayApp":"G7"}`,
					uint32(i*2654435761), p, from*10000+i, s, s, p*1000+(from*288+i)/2880, i%2880*300+7, 70+(i*7+p)%150, float64(i%40-20)/10)
				if i > 0 {
					body.WriteByte(',')
				}
			}
			body.WriteString("]}")
			w.append(raw.Header{
				ParticipantID: id, ConnectionID: "01HZZZZZZZZZZZZZZZZZZZZZ" + id, Resource: "egvs", Records: n,
				WindowStart: start.AddDate(0, 0, from), WindowEnd: start.AddDate(0, 0, min(from+30, days)),
			}, body.String())
			records += n
		}
	}
	return records
}

// BenchmarkBackfill folds the demo's cohort: 20 people, 90 days.
func BenchmarkBackfill(b *testing.B) {
	w := newWorld(b, b.TempDir())
	records := w.backfill(20, 90)
	for i := 0; b.Loop(); i++ {
		k := w.tank(fmt.Sprint("lake", i), 0)
		r := k.load(Study{})
		if r.Tables["glucose"].Added == 0 || r.Tables["egvs"].Added != records {
			b.Fatalf("Load: %+v", r)
		}
		k.unlock()
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

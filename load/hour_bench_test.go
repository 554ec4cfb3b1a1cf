package load

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkHour folds the 12 new readings of everybody that an hourly sync brings, in
// one commit, on top of a lake that holds 30 or 180 days of 20 people.
func BenchmarkHour(b *testing.B) {
	const people = 20
	for _, days := range []int{30, 180} {
		b.Run(fmt.Sprint(days, "days"), func(b *testing.B) {
			w := newWorld(b, b.TempDir())
			w.backfill(people, days)
			k := w.tank("lake", 0)
			defer k.unlock()
			k.load(Study{})
			began, spent := w.time, time.Duration(0)
			for hour := 0; b.Loop(); hour++ {
				b.StopTimer()
				from := began.Add(time.Duration(hour) * time.Hour)
				for p := range people {
					var records []string
					for i := range 12 {
						records = append(records, egv(fmt.Sprintf("%d-%d-%d", hour, p, i), from.Add(time.Duration(i)*5*time.Minute), 100+i))
					}
					w.time = from.Add(time.Hour)
					id := fmt.Sprintf("P%03d", p+1)
					w.answer(id, "01HZZZZZZZZZZZZZZZZZZZZZ"+id, "egvs", from, from.Add(time.Hour), records...)
				}
				b.StartTimer()
				since := cpuTime(b)
				if r := k.load(Study{}); r.Tables["egvs"].Added != people*12 || r.Commits != 1 {
					b.Fatalf("Load: %+v", r)
				}
				spent += cpuTime(b) - since
			}
			b.ReportMetric(spent.Seconds()*1e3/float64(b.N*people), "cpu-ms/participant")
		})
	}
}

// BenchmarkReplay folds the same log into a lake anew, and compares.
func BenchmarkReplay(b *testing.B) {
	w := newWorld(b, b.TempDir())
	records := w.backfill(20, 90)
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(Study{})
	since := cpuTime(b)
	for b.Loop() {
		r, err := k.Replay(b.Context(), Study{}, "RUN")
		if err != nil || r.Tables["egvs"].Added != records {
			b.Fatalf("Replay: %+v, %v", r, err)
		}
		if d, err := r.Diff(b.Context()); err != nil || len(d.Rows) > 0 {
			b.Fatalf("Diff: %+v, %v", d, err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-since)/float64(b.N*records), "cpu-ns/record")
}

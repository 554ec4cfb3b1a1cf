//go:build linux || darwin

package snapshot

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkPublish publishes a snapshot with one file more than the one before, makes
// sure of one that is there, and opens one, in lakes of so many files.
func BenchmarkPublish(b *testing.B) {
	for _, files := range []int{50, 2000} {
		l := newLake(b)
		m := commitMany(b, l, files)
		publish(b, l, m)
		measure := func(name string, do func(b *testing.B)) {
			b.Run(fmt.Sprintf("%s/files=%d", name, files), func(b *testing.B) {
				var spent time.Duration
				for b.Loop() {
					b.StopTimer()
					if name == "next" {
						m = commit(b, l, "P001", 10)
					}
					before := cpuTime()
					b.StartTimer()
					do(b)
					spent += cpuTime() - before
				}
				b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
			})
		}
		measure("next", func(b *testing.B) { publish(b, l, m) })
		measure("again", func(b *testing.B) { publish(b, l, m) })
		measure("open", func(b *testing.B) {
			db, err := Open(b.Context(), l, m, nil, Limits{})
			if err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// commitMany adds n files of glucose with one reading each, in 40 months.
func commitMany(t testing.TB, l *lake.Lake, n int) lake.Manifest {
	t.Helper()
	c := l.Begin(lake.Manifest{})
	for i := range n {
		c.Add(writeMonth(t, c, "glucose", fmt.Sprintf("P%05d", i), march.AddDate(0, -i%40, 0), 1))
	}
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return m
}

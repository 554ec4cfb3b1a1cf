//go:build linux || darwin

package verify

import (
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

var readings = flag.Int("readings", 200_000, "rows of BenchmarkVerify")

// BenchmarkVerify verifies rows with ids as Dexcom's, 100 people's, a file a month.
func BenchmarkVerify(b *testing.B) {
	const people, perMonth = 100, 8640
	l := benchLake(b, people, perMonth, max(1, *readings/people/perMonth))
	var most atomic.Uint64
	stop := watch(&most)
	defer stop()
	before := processor()
	for b.Loop() {
		r, err := (&Check{Lake: l}).Run(b.Context())
		if err != nil || len(r.Findings) > 0 {
			b.Fatalf("%v, %v", r.Findings, err)
		}
		b.ReportMetric(float64(r.Rows), "rows")
		b.SetBytes(r.Bytes)
	}
	b.ReportMetric((processor()-before).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(most.Load())/(1<<20), "MB-heap")
}

func benchLake(b *testing.B, people, perMonth, months int) *lake.Lake {
	b.Helper()
	l, err := lake.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	guard, err := l.Lock(b.Context(), 0, lake.Holder{Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer guard.Unlock()
	table, _ := transform.TableNamed("calibrations")
	c := l.Begin(lake.Manifest{})
	for month := range months {
		first := time.Date(2024, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC)
		w, err := c.Create(table, first.Format("2006-01"), "")
		if err != nil {
			b.Fatal(err)
		}
		rows := make([]row, min(perMonth, 28*288))
		for p := range people {
			for i := range rows {
				at := first.Add(time.Duration(i) * 5 * time.Minute)
				rows[i] = row{fmt.Sprintf("P%03d", p), fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", i*2654435761, p, month, i%4096, i*p*7919+month), at, false}
			}
			if err := w.Write(batch(rows)); err != nil {
				b.Fatal(err)
			}
		}
		f, err := w.Close()
		if err != nil {
			b.Fatal(err)
		}
		c.Add(f)
	}
	if _, err := c.Finish(b.Context(), lake.Manifest{Run: "run"}); err != nil {
		b.Fatal(err)
	}
	return l
}

// processor is the time that this process computed.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watch keeps the most bytes of the heap.
func watch(most *atomic.Uint64) (stop func()) {
	done := make(chan struct{})
	go func() {
		var m runtime.MemStats
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if runtime.ReadMemStats(&m); m.HeapInuse > most.Load() {
				most.Store(m.HeapInuse)
			}
		}
	}()
	return func() { close(done) }
}

package raw

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkScan reads the headers of 100,000 entries.
func BenchmarkScan(b *testing.B) {
	l := open(b, b.TempDir())
	const n = 100_000
	body := make([]byte, 300)
	var group []*pending
	for i := range n {
		p, err := l.encode(header(fmt.Sprint(i)), body)
		if err != nil {
			b.Fatal(err)
		}
		group = append(group, p)
	}
	l.writeGroup(group)
	for b.Loop() {
		got := 0
		for _, err := range l.Entries(Position{}) {
			if err != nil {
				b.Fatal(err)
			}
			got++
		}
		if got != n {
			b.Fatalf("%d entries, want %d", got, n)
		}
	}
}

// BenchmarkAppend appends answers of 50 kB from 16 goroutines.
func BenchmarkAppend(b *testing.B) {
	l := open(b, b.TempDir())
	body := append([]byte{0x1f, 0x8b}, make([]byte, 50_000)...)
	b.SetBytes(int64(len(body)))
	b.SetParallelism(8)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(b.Context(), header(fmt.Sprint(n.Add(1))), body); err != nil {
				b.Error(err)
			}
		}
	})
}

// egvs is an answer of n EGVs, no two alike, as an iPhone sends them.
func egvs(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	b := []byte(`{"recordType":"egv","recordVersion":"3.0","userId":"0123456789abcdef","records":[`)
	for i := range n {
		at := time.Date(2026, 3, 31, 23, 58, random.IntN(60), 0, time.UTC).Add(time.Duration(-i) * 5 * time.Minute)
		b = fmt.Appendf(b, `{"recordId":"%08x-d3b4-5a34-9aa9-%012x","systemTime":"%s","displayTime":"%s-08:00",`+
			`"transmitterId":"%064x","transmitterTicks":%d,"value":%d,"trend":"flat","trendRate":%.1f,"unit":"mg/dL",`+
			`"rateUnit":"mg/dL/min","status":null,"displayDevice":"iOS","transmitterGeneration":"g7","displayApp":"G7"},`,
			random.Uint32(), random.Uint64()>>16, at.Format(time.RFC3339), at.Add(-8*time.Hour).Format("2006-01-02T15:04:05"),
			1<<40, 864000-300*i, 70+random.IntN(200), random.NormFloat64())
	}
	return append(b[:len(b)-1], "]}"...)
}

// BenchmarkEGVs appends and reads a plain answer of 2,000 EGVs.
func BenchmarkEGVs(b *testing.B) {
	const n = 2000
	body, l := egvs(n), open(b, b.TempDir())
	each := func(b *testing.B, do func() (Entry, error)) {
		var e Entry
		var err error
		for b.Loop() {
			if e, err = do(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
		b.ReportMetric(float64(e.Stored)/n, "B/record")
	}
	b.Run("append", func(b *testing.B) {
		each(b, func() (Entry, error) { return l.Append(b.Context(), header(""), body) })
	})
	b.Run("read", func(b *testing.B) {
		e := mustAppend(b, l, header(""), body)
		each(b, func() (Entry, error) { _, err := e.Plain(); return e, err })
	})
}

// Headers of a compacted log are what every run reads first.
func BenchmarkScanCompacted(b *testing.B) {
	l := hourly(b, b.TempDir(), 20, 200, 64<<20)
	c := compactAll(b, l, func(e Entry) Fate { return Fate{Drop: len(e.RequestID)%2 == 0} })
	b.ResetTimer()
	for b.Loop() {
		n := 0
		for _, err := range l.Entries(Position{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != c.Answers+1 {
			b.Fatalf("%d entries, want %d", n, c.Answers+1)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.Answers), "ns/entry")
}

// Compacting is bound by reading, decompressing and hashing what is there.
func BenchmarkCompact(b *testing.B) {
	var bytes int64
	for b.Loop() {
		b.StopTimer()
		l := hourly(b, b.TempDir(), 20, 200, 64<<20)
		b.StartTimer()
		bytes += compactAll(b, l, keepAll).Before
	}
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB-in/s")
}

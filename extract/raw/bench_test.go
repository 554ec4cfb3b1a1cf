package raw

import (
	"fmt"
	"sync/atomic"
	"testing"
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

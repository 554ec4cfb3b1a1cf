package study

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
)

// aYear are readings of a year every 5 minutes, a little late each, with gaps.
func aYear() []snapshot.SequenceReading {
	random := rand.New(rand.NewPCG(1, 2))
	at, glucose := time.Date(2025, 1, 1, 5, 0, 37, 0, time.UTC), 140.0
	var readings []snapshot.SequenceReading
	for end := at.AddDate(1, 0, 0); at.Before(end); at = at.Add(5*time.Minute + time.Duration(random.IntN(2))*time.Second) {
		glucose = min(400, max(40, glucose+6*random.NormFloat64()+0.02*(140-glucose)))
		readings = append(readings, snapshot.SequenceReading{
			Time: at.UnixMicro(), Local: at.Add(-5 * time.Hour).UnixMicro(), Placed: true, MgdL: float64(int(glucose)), Cadence: 5,
		})
		if random.IntN(1000) == 0 {
			at = at.Add(time.Duration(random.IntN(300)) * time.Minute)
		}
	}
	return readings
}

// BenchmarkSpans computes what a publish does of somebody's first year: the study,
// each 14 days and each day.
func BenchmarkSpans(b *testing.B) {
	readings := aYear()
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	due := []snapshot.Span{{Scope: wholeStudy, First: first, Last: first.AddDate(1, 0, 0)}}
	for day := range 365 {
		at := first.AddDate(0, 0, day)
		due = append(due, snapshot.Span{Scope: "day", First: at, Last: at})
		if day%14 == 0 {
			due = append(due, snapshot.Span{Scope: "period", First: at, Last: at.AddDate(0, 0, 13)})
		}
	}
	spans := &metrics.Spans{Rules: metrics.DexetlSpans()}
	b.ReportAllocs()
	for b.Loop() {
		days := newByDay(readings)
		for _, s := range due {
			span := spans.Of(days.within(s))
			for range span.Columns() {
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(readings)), "ns/reading")
}

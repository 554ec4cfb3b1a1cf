package main

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// BenchmarkQuietSync is a sync an hour after another one, when nobody has news.
func BenchmarkQuietSync(b *testing.B) { benchSync(b, 2, 24*time.Hour, time.Minute) }

// BenchmarkNewsSync is a sync an hour after another one, when everybody has news of that
// hour: 12 readings, and what else there is.
func BenchmarkNewsSync(b *testing.B) { benchSync(b, 4, -3*24*time.Hour, time.Hour) }

// benchSync measures syncs that are so far apart, the first of them some time after the
// last of the days of data. The simulated API is in the same process.
// DEXETL_BENCH_PEOPLE is how many people there are, 100 by default.
func benchSync(b *testing.B, days int, after, apart time.Duration) {
	people, err := strconv.Atoi(os.Getenv("DEXETL_BENCH_PEOPLE"))
	if err != nil {
		people = 100
	}
	study := newBench(b, dexsim.Config{Seed: 6, Participants: people, Days: days, AccessTTL: 1000 * time.Hour})
	study.now = study.now.Add(after)
	study.must("backfill")
	study.must("sync")
	calls, spent := study.api.Stats().Calls, cpuTime()
	for b.Loop() {
		study.now = study.now.Add(apart)
		study.must("sync")
	}
	each := float64(b.N * people)
	b.ReportMetric(float64((cpuTime()-spent).Microseconds())/each, "cpu-µs/participant")
	b.ReportMetric(float64(study.api.Stats().Calls-calls)/each, "calls/participant")
}

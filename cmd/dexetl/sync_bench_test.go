package main

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// BenchmarkQuietSync is a sync an hour after another one, when nobody has news. The
// simulated API is in the same process. DEXETL_BENCH_PEOPLE is how many people there
// are, 100 by default.
func BenchmarkQuietSync(b *testing.B) {
	people, err := strconv.Atoi(os.Getenv("DEXETL_BENCH_PEOPLE"))
	if err != nil {
		people = 100
	}
	study := newBench(b, dexsim.Config{Seed: 6, Participants: people, Days: 2, AccessTTL: 1000 * time.Hour})
	study.now = study.now.Add(24 * time.Hour) // everything has been uploaded
	study.must("backfill")
	study.must("sync")
	calls, spent := study.api.Stats().Calls, cpuTime()
	for b.Loop() {
		study.now = study.now.Add(time.Minute)
		study.must("sync")
	}
	each := float64(b.N * people)
	b.ReportMetric(float64((cpuTime()-spent).Microseconds())/each, "cpu-µs/participant")
	b.ReportMetric(float64(study.api.Stats().Calls-calls)/each, "calls/participant")
}

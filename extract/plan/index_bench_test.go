package plan

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// hourlyLog makes a log of about so many answers of 1,000 people who are synced
// every hour: what is new, and the readings of the last hours.
func hourlyLog(b *testing.B, answers int) *raw.Log {
	b.Helper()
	dir := b.TempDir()
	if kept := os.Getenv("DEXETL_INDEX_DIR"); kept != "" {
		dir = filepath.Join(kept, strconv.Itoa(answers))
	}
	log, err := raw.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	if segments, err := log.Segments(); err != nil || len(segments) > 0 {
		return log // made before
	}
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(500) // they share the waiting for the disk
	const people = 1000
	body := []byte(`{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"egvs":{"start":{"systemTime":"2026-01-01T00:00:00","displayTime":"2026-01-01T00:00:00"},"end":{"systemTime":"2026-03-01T00:00:00","displayTime":"2026-03-01T00:00:00"}},"events":null}`)
	for n := range answers {
		hour, who := n/2/people, n/2%people
		now := epoch.Add(time.Duration(hour)*time.Hour + time.Duration(who)*time.Second)
		h := raw.Header{ParticipantID: fmt.Sprintf("P%04d", who), ConnectionID: fmt.Sprintf("01KYP2000000000000000%05d", who), Beat: BeatNews, Status: 200, AskedAt: now, ServerDate: now}
		if h.Resource = string(dexcom.DataRange); n%2 == 0 {
			if hour%24 > 0 {
				h.LastSync = now.Add(-7 * time.Hour)
			}
		} else {
			h.Resource, h.Records = string(dexcom.EGVs), 72
			h.WindowStart, h.WindowEnd = now.Add(-6*time.Hour).Truncate(time.Second), now.Truncate(time.Second)
		}
		group.Go(func() error { _, err := log.Append(ctx, h, body); return err })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return log
}

// BenchmarkIndex is what a run waits for before its first call: with nothing kept,
// and with what an earlier run kept. DEXETL_INDEX_ANSWERS=3000000 is a year and a
// half of a few hundred people; DEXETL_INDEX_DIR keeps the log for the next time.
func BenchmarkIndex(b *testing.B) {
	answers := 20_000
	if text := os.Getenv("DEXETL_INDEX_ANSWERS"); text != "" {
		var err error
		if answers, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	log := hourlyLog(b, answers)
	open := func(b *testing.B, cache Cache) *Index {
		b.Helper()
		x, anew, err := OpenIndex(log, cache)
		if anew != nil || err != nil || len(x.held) == 0 {
			b.Fatal(anew, err, len(x.held))
		}
		return x
	}
	cache := &memory{}
	b.Run("whole", func(b *testing.B) {
		var index *Index
		for b.Loop() {
			index = open(b, nil)
		}
		b.StopTimer()
		began := time.Now()
		content, err := index.keep(log)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds()*1000, "ms-to-keep")
		b.ReportMetric(float64(len(content))/1e6, "MB-kept")
		cache.content = content
	})
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			open(b, cache)
		}
	})
}

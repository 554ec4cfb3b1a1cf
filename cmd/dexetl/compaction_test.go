package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// With lake.raw: compact, a sync shortens what older runs received and says so.
func TestSyncCompacts(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Participants: 2, Days: 15, End: demoNow.AddDate(0, 0, 6)}, demoNow)
	b.must("backfill")
	b.must("sync", "--trailing", "7d") // says nothing new
	b.env["DEXETL_LAKE_RAW"] = "compact"
	b.now = b.now.Add(25 * time.Hour)
	b.must("sync") // closes the segment, which is still the last
	b.now = b.now.Add(25 * time.Hour)
	var run struct {
		Compacted struct {
			Segments, Answers int
			Dropped           int   `json:"bodies_dropped"`
			Before            int64 `json:"bytes_before"`
			After             int64 `json:"bytes_after"`
		}
	}
	out := b.must("sync", "--json")
	if err := json.Unmarshal([]byte(out), &run); err != nil {
		t.Fatalf("dexetl sync --json: %v\n%s", err, out)
	}
	if c := run.Compacted; c.Segments != 1 || c.Dropped == 0 || c.Dropped == c.Answers || c.After*2 > c.Before {
		t.Errorf("sync: compacted %+v; want one segment to less than half, some bodies dropped", c)
	}
	b.env["DEXETL_LAKE_RAW"] = "gzip"
	if code, _, stderr := b.run("status"); code != exitUsage || !strings.Contains(stderr, "keep or compact") {
		t.Errorf("lake.raw: gzip: exit %d\n%s", code, stderr)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// What a snapshot has computed is what dexetl metrics computes on the spot, and what a
// replay computes.
func TestComputedTablesAreWhatIsComputedOnTheSpot(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 16, Participants: 3, Days: 9, End: demoNow})
	b.must("backfill")
	const spans, episodes, days = "from span_metrics order by all", "from episodes order by all", "from daily_metrics order by all"
	before := []string{b.must("query", "--csv", spans), b.must("query", "--csv", episodes), b.must("query", "--csv", days)}
	if len(before[0]) < 2000 || len(before[1]) < 500 {
		t.Fatalf("span_metrics and episodes are nearly empty:\n%s\n%s", before[0], before[1])
	}
	if sensors := b.must("query", "--csv", "select count(*) filter (where mag_mgdl_h is not null) > 3 as found from sensor_metrics where n_values > 100"); sensors != "found\ntrue\n" {
		t.Errorf("sensor_metrics has nothing that depends on the order of readings: %s", sensors)
	}
	stored := b.must("metrics", "--csv")
	removeStoredDays(t, b)
	if diff := cmp.Diff(before[2], b.must("query", "--csv", days)); diff != "" {
		t.Errorf("daily_metrics (-stored +computed on the spot):\n%s", diff)
	}
	found, err := filepath.Glob(filepath.Join(b.dir, "lake/snapshots/*/episodes"))
	check(t, err)
	for _, folder := range found {
		check(t, os.RemoveAll(folder))
	}
	_, onTheSpot, said := b.run("metrics", "--csv")
	if diff := cmp.Diff(stored, onTheSpot); diff != "" || !strings.Contains(said, "all of it is computed now") {
		t.Errorf("metrics (-stored +computed on the spot):\n%s\nit says %q", diff, said)
	}
	b.must("replay")
	if diff := cmp.Diff(before, []string{b.must("query", "--csv", spans), b.must("query", "--csv", episodes), b.must("query", "--csv", days)}); diff != "" {
		t.Errorf("computed tables (-live +replayed):\n%s", diff)
	}
}

// removeStoredDays has daily_metrics computed when it is asked for.
func removeStoredDays(t *testing.T, b *bench) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "lake/snapshots/*/.daily_metrics"))
	check(t, err)
	if len(found) == 0 {
		t.Error("no snapshot has rows of daily_metrics in files")
	}
	for _, folder := range found {
		check(t, os.RemoveAll(folder))
	}
}

// Hour by hour, with late uploads, journeys and changes of clocks, the days that a snapshot
// takes over and those that it computes are together what the view computes of all readings.
func TestStoredDaysAreWhatTheViewComputes(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 5, Participants: 4, Days: 14, End: demoNow}, demoNow.Add(-60*time.Hour))
	const days = "from daily_metrics order by all"
	for _, later := range []time.Duration{0, time.Hour, 9 * time.Hour, 40 * time.Hour} {
		b.now = b.now.Add(later)
		b.must("sync")
		stored := b.must("query", "--csv", days)
		if lines := strings.Count(stored, "\n"); lines < 40 {
			t.Fatalf("daily_metrics has %d lines", lines)
		}
		moved, err := os.Readlink(filepath.Join(b.dir, "lake/latest"))
		check(t, err)
		folder := filepath.Join(b.dir, "lake", moved, ".daily_metrics")
		check(t, os.Rename(folder, folder+".aside"))
		computed := b.must("query", "--csv", days)
		check(t, os.Rename(folder+".aside", folder))
		if diff := cmp.Diff(stored, computed); diff != "" {
			t.Errorf("%s later, daily_metrics (-stored +computed on the spot):\n%s", later, diff)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	const spans, episodes = "from span_metrics order by all", "from episodes order by all"
	before := []string{b.must("query", "--csv", spans), b.must("query", "--csv", episodes)}
	if len(before[0]) < 2000 || len(before[1]) < 500 {
		t.Fatalf("span_metrics and episodes are nearly empty:\n%s\n%s", before[0], before[1])
	}
	if sensors := b.must("query", "--csv", "select count(*) filter (where mag_mgdl_h is not null) > 3 as found from sensor_metrics where n_values > 100"); sensors != "found\ntrue\n" {
		t.Errorf("sensor_metrics has nothing that depends on the order of readings: %s", sensors)
	}
	stored := b.must("metrics", "--csv")
	found, err := filepath.Glob(filepath.Join(b.dir, "lake/snapshots/*/episodes"))
	check(t, err)
	for _, folder := range found {
		check(t, os.RemoveAll(folder))
	}
	_, onTheSpot, said := b.run("metrics", "--csv")
	if diff := cmp.Diff(stored, onTheSpot); diff != "" || !strings.Contains(said, "all of it is computed now") {
		t.Errorf("metrics (-stored +computed on the spot):\n%s\nit says %q", diff, said)
	}
	for statement, nulls := range map[string]bool{
		"select count(mage_mgdl) from Daily_Metrics where n_values > 0": true, "select count(tir_pct) from consensus_metrics": false,
	} {
		_, _, said := b.run("query", statement)
		if strings.Contains(said, "is null in daily_metrics") != nulls || strings.Contains(said, "metrics --snapshot 1 --csv") != nulls {
			t.Errorf("query %q of a snapshot without computed tables says %q", statement, said)
		}
	}
	if _, _, said := b.run("query", "select count(mage_mgdl) from sensor_metrics"); !strings.Contains(said, "dexetl sync") || strings.Contains(said, "dexetl metrics") {
		t.Errorf("query of sensors that a snapshot has not computed says %q, and metrics has none", said)
	}
	b.must("replay")
	if diff := cmp.Diff(before, []string{b.must("query", "--csv", spans), b.must("query", "--csv", episodes)}); diff != "" {
		t.Errorf("computed tables (-live +replayed):\n%s", diff)
	}
}

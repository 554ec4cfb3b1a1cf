package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A study that is synced every day ends in the lake that one backfill at the
// end would make, whatever arrived late, was edited or deleted meanwhile, and
// its changes tell what happened.
func TestDailySyncEndsAsOneBackfillWould(t *testing.T) {
	t.Parallel()
	const days = 5
	config := dexsim.Config{
		Seed: 4, Participants: 6, Days: 12, End: demoNow,
		Chaos: dexsim.Chaos{Kinds: dexsim.Late | dexsim.Edit | dexsim.Delete | dexsim.Revise | dexsim.Reconnect},
	}
	b := newBenchAt(t, config, demoNow.AddDate(0, 0, -days))
	b.must("backfill")
	for range days {
		b.now = b.now.Add(24 * time.Hour)
		b.must("sync")
	}
	b.compareWithTruth()

	fresh := newBench(t, config)
	fresh.must("backfill")
	for _, table := range []string{"egvs", "events", "calibrations", "alerts", "glucose"} {
		synced, once := b.present(table), fresh.present(table)
		if !slices.Equal(synced, once) {
			t.Errorf("%s: %d present rows after daily syncs, %d after one backfill, and they differ first in\n%s",
				table, len(synced), len(once), firstDifference(synced, once))
		}
	}
	for _, kind := range []string{"edited", "deleted"} {
		if n := b.query("select count(*) from changes where kind = '" + kind + "'")[0][0]; n == "0" {
			t.Errorf("changes tells of nothing %s in %d days", kind, days)
		}
	}
}

// present returns the present rows of a table without what depends on when
// and through which connection they were fetched.
func (b *bench) present(table string) []string {
	b.t.Helper()
	statement := "select * exclude (connection_id, request_id, first_seen_at, vanished_at) from " + table + " where vanished_at is null order by all"
	if table == "glucose" {
		statement = "from glucose order by all"
	}
	var rows []string
	for _, row := range b.query(statement) {
		rows = append(rows, strings.Join(row, "|"))
	}
	return rows
}

// Nothing new: a quiet sync costs a call or two per participant and changes
// no row.
func TestQuietSyncIsCheap(t *testing.T) {
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 6, Participants: 6, Days: 8})
	b.now = b.now.Add(24 * time.Hour) // everything has been uploaded
	b.must("backfill")
	b.must("sync")
	before, calls := b.present("egvs"), b.api.Stats().Calls
	b.now = b.now.Add(time.Hour)
	b.must("sync")
	if spent := b.api.Stats().Calls - calls; spent > 6 {
		t.Errorf("a quiet sync of 6 participants made %d calls, want at most 6", spent)
	}
	if !slices.Equal(before, b.present("egvs")) {
		t.Error("a quiet sync changed rows of egvs")
	}
}

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

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
	oneAfterTheOther(t)
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

// What was edited or deleted longer ago than a sync looks back is right after the
// interval was refreshed.
func TestRefreshEndsRight(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{
		Seed: 4, Participants: 3, Days: 12, End: demoNow,
		Chaos: dexsim.Chaos{Kinds: dexsim.Late | dexsim.Edit | dexsim.Delete},
	}, demoNow.AddDate(0, 0, -8))
	b.must("backfill")
	b.now = demoNow
	b.must("refresh", "P001", "P002", "P003", "--from", "2026-04-01", "--to", "2026-04-16")
	b.compareWithTruth()
	if n := b.query("select count(distinct kind) from changes where kind in ('edited', 'deleted')")[0][0]; n != "2" {
		t.Errorf("changes tells of %s of edited and deleted in 8 days, want both", n)
	}
}

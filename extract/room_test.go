package extract_test

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
)

// Where there is room for one body at a time, whatever comes of answers, all is
// fetched: none keeps room that it does not use, or waits for itself.
func TestFetchInLittleRoom(t *testing.T) {
	t.Parallel()
	inMarch2026(t, func(t *testing.T) {
		people, days := 8, 90
		if extract.Raced {
			people, days = 4, 45
		}
		s := newSimulated(t, dexsim.Config{
			Seed: 3, Participants: people, Days: days,
			Chaos: dexsim.Chaos{Kinds: dexsim.AllTransport &^ (dexsim.Huge | dexsim.InvalidGrant), FaultRate: 0.5, MaxFaults: 2, Slow: 10 * time.Millisecond},
		})
		s.fetcher.Clients["us"].(*dexcom.Client).Room = dexcom.NewRoom(0)
		s.run(plan.Backfill)
		time.Sleep(26 * time.Hour)
		s.run(plan.Sync)
	})
}

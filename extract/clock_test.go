package extract

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// A clock that ran ahead and was set right again leaves nothing that counts as
// asked in the future: what is uploaded late is fetched by the next sync.
func TestClockThatWasAhead(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, now.Add(-40*day), now.Add(-day), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Now = func() time.Time { return time.Now().Add(20 * time.Hour) }
		mustRun(t, f, plan.Backfill, target("P1"))
		f.Now = nil
		lost := now.Add(-20*day + time.Minute)
		api.addRecord("P1", dexcom.EGVs, record{lost, now})
		time.Sleep(time.Hour)
		mustRun(t, f, plan.Sync, target("P1"))
		if !slices.Contains(heldRecords(t, f.Log, "P1", dexcom.EGVs), lost.Format(time.RFC3339)) {
			t.Errorf("the record of %v, uploaded when our clock was right again, is not held", lost)
		}
	})
}

// A device that once dated a record into the future does not make what it
// records by then count as held: a later backfill fetches it.
func TestRecordFromTheFuture(t *testing.T) {
	for _, ahead := range []time.Duration{20 * time.Hour, 59 * 365 * day} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			now := time.Now().Truncate(time.Second)
			api.add("P1", dexcom.EGVs, now.Add(-10*day), now, time.Hour)
			api.addRecord("P1", dexcom.EGVs, record{now.Add(ahead), now})
			f := newFetcher(t, api, t.TempDir())
			f.Resources = []dexcom.Resource{dexcom.EGVs}
			mustRun(t, f, plan.Backfill, target("P1"))
			api.add("P1", dexcom.EGVs, now.Add(time.Hour), now.Add(day), time.Hour)
			time.Sleep(day)
			mustRun(t, f, plan.Backfill, target("P1"))
			if got, want := len(heldRecords(t, f.Log, "P1", dexcom.EGVs)), 11*24-1; got < want {
				t.Errorf("a record %v ahead: %d records are held a day later, want %d", ahead, got, want)
			}
			time.Sleep(2 * day)
			mustRun(t, f, plan.Sync, target("P1"))
			if report := mustRun(t, f, plan.Sync, target("P1")); report.Calls != 1 {
				t.Errorf("a record %v ahead: %d calls of a sync without news, want 1", ahead, report.Calls)
			}
		})
	}
}

func TestClockIsChecked(t *testing.T) {
	for _, tt := range []struct {
		off    time.Duration
		refuse bool
	}{{0, false}, {3 * time.Minute, false}, {-3 * time.Hour, false}, {25 * time.Hour, true}, {-25 * time.Hour, true}} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			year(api, "P1")
			f := newFetcher(t, api, t.TempDir())
			f.Now = func() time.Time { return time.Now().Add(tt.off) }
			report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1")})
			var clock *call.ClockError
			if errors.As(err, &clock) != tt.refuse || err != nil && !tt.refuse {
				t.Errorf("clock off by %v: %v; want refusal %t", tt.off, err, tt.refuse)
			}
			if n := len(answered(t, f.Log)); tt.refuse && (n > 0 || report.Answers > 0) {
				t.Errorf("clock off by %v: %d answers in the log, want none", tt.off, n)
			}
		})
	}
}

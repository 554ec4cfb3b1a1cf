package extract

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

func forecast(t *testing.T, f *Fetcher, run Run, targets ...Target) Forecast {
	t.Helper()
	all, err := f.Forecast(t.Context(), run, targets)
	if err != nil {
		t.Fatalf("Forecast(%s): %v", run.Mode, err)
	}
	return all
}

// calls sums a forecast.
func (f Forecast) calls() (unchanged, withNews int) {
	for _, p := range f.Participants {
		for _, r := range p.Resources {
			unchanged += r.Calls
			withNews += r.CallsWithNews
		}
	}
	return unchanged, withNews
}

// What a plan says is what the run then does: exactly where dataRange has not
// changed since it was answered, within its two bounds where it has, and for a
// backfill not more where it was never asked.
func TestForecastIsWhatTheRunDoes(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, now.Add(-100*day), now.Add(-2*day), time.Hour)
		api.add("P1", dexcom.Events, now.Add(-90*day), now.Add(-3*day), 20*time.Hour)
		api.add("P2", dexcom.EGVs, now.Add(-40*day), now.Add(20*day), time.Hour) // wears a sensor all the time
		f := newFetcher(t, api, t.TempDir())
		targets := []Target{target("P1"), target("P2")}
		for i := range targets {
			targets[i].Consented.Start = now.Add(-200 * day)
		}
		check := func(step string, wait time.Duration, run Run, exact bool) {
			t.Helper()
			time.Sleep(wait)
			before := len(api.order)
			run.ID = step
			least, most := forecast(t, f, run, targets...).calls()
			if len(api.order) != before {
				t.Errorf("%s: planning made %d calls", step, len(api.order)-before)
			}
			report, err := f.Run(t.Context(), run, targets)
			if err != nil || report.Outcome != Done {
				t.Fatalf("%s: outcome %s, %v; want done", step, report.Outcome, err)
			}
			t.Logf("%s: planned %d to %d, made %d", step, least, most, report.Calls)
			if report.Calls > most || report.Calls < least || exact && report.Calls != least {
				t.Errorf("%s: %d calls, planned were %d to %d, exactly: %t", step, report.Calls, least, most, exact)
			}
		}
		all := forecast(t, f, Run{Job: plan.Job{Mode: plan.Backfill}}, targets...)
		for _, p := range all.Participants {
			if !p.AsOf.IsZero() || len(p.Resources) != 6 || p.Resources[1].Bytes < 12_000*190 {
				t.Errorf("forecast before dataRange was asked: %+v; want all resources of 200 days", p)
			}
		}
		if _, most := all.calls(); most != 2*(1+4*7+1) {
			t.Errorf("%d calls planned for 200 days of two participants, want 7 for each of 4 resources, dataRange and devices", most)
		}
		// dataRange is asked, as when the participants consent, and no more.
		for _, one := range targets {
			if report, err := f.Run(t.Context(), Run{ID: "0", Job: plan.Job{Mode: plan.Backfill}, Quota: &call.Quota{Max: 1}}, []Target{one}); err != nil || report.Outcome != Stopped {
				t.Fatalf("run of 1 call: %+v, %v", report.Outcome, err)
			}
		}
		check("backfill", 0, Run{Job: plan.Job{Mode: plan.Backfill}}, true)
		check("second backfill", 0, Run{Job: plan.Job{Mode: plan.Backfill}}, true)
		check("sync at once", time.Second, Run{Job: plan.Job{Mode: plan.Sync}}, true)
		check("trailing days now", time.Second, Run{Job: plan.Job{Mode: plan.Sync, TrailingNow: true, Trailing: 40 * day}}, true)
		check("deep beat now", time.Second, Run{Job: plan.Job{Mode: plan.Sync, DeepNow: true}}, true)
		check("refresh", 0, Run{Job: plan.Job{Mode: plan.Refresh}}, true)
		check("sync a day later", day, Run{Job: plan.Job{Mode: plan.Sync}}, false)
		check("backfill two days later", 2*day, Run{Job: plan.Job{Mode: plan.Backfill}}, false)
		check("deep beat", 31*day, Run{Job: plan.Job{Mode: plan.Sync}}, false)
		check("sync when all is quiet", 31*time.Hour, Run{Job: plan.Job{Mode: plan.Sync}}, true)
		check("hour later", time.Hour, Run{Job: plan.Job{Mode: plan.Sync}}, true)
	})
}

func TestForecastSumsByResource(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		f.Run(t.Context(), Run{ID: "0", Job: plan.Job{Mode: plan.Backfill}, Quota: &call.Quota{Max: 1}}, []Target{target("P1")})
		var got []string
		for _, r := range forecast(t, f, Run{Job: plan.Job{Mode: plan.Backfill}}, target("P1")).Participants[0].Resources {
			got = append(got, fmt.Sprint(r.Resource, r.Beats, r.Calls))
		}
		want := "[dataRange[] 1 egvs[backfill] 13 events[backfill] 3 calibrations[backfill] 0 alerts[backfill] 13 devices[trailing] 1]"
		if fmt.Sprint(got) != want {
			t.Errorf("forecast of a year: %v, want %s", got, want)
		}
	})
}

// noCache can neither read nor keep anything.
type noCache struct{}

func (noCache) Load() ([]byte, error) { return nil, os.ErrPermission }
func (noCache) Store([]byte) error    { return os.ErrPermission }

// What goes wrong with the kept index costs the next run time, and nothing else.
func TestRunsWithoutItsCache(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		year(api, "P1")
		f := newFetcher(t, api, t.TempDir())
		f.Cache, f.keepAfter = noCache{}, 1
		if report := mustRun(t, f, plan.Backfill, target("P1")); report.Outcome != Done || report.Answers == 0 {
			t.Errorf("run whose index cannot be kept: %s, %d answers; want done", report.Outcome, report.Answers)
		}
		if _, most := forecast(t, f, Run{Job: plan.Job{Mode: plan.Backfill}}, target("P1")).calls(); most == 0 {
			t.Error("nothing planned where the index cannot be read")
		}
	})
}

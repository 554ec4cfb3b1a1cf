package extract

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// A daily sync that begins some seconds early does its daily work all the same.
func TestDailyBeatsBearAnEarlyStart(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		newest := time.Now().Truncate(time.Second).Add(-2 * day)
		api.add("P1", dexcom.EGVs, newest.Add(-day), newest.Add(1), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Devices}
		mustRun(t, f, plan.Backfill, target("P1"))
		again := []plan.Call{{Resource: dexcom.EGVs, Window: plan.Window{Start: newest.Add(-day - time.Minute), End: newest.Add(time.Minute)}, Beat: plan.BeatTrailing}, {Resource: dexcom.Devices, Beat: plan.BeatTrailing}}
		for range 3 {
			time.Sleep(day - 20*time.Second)
			checkSync(t, f, "20 s before the day is over", Run{}, again...)
		}
		time.Sleep(22 * time.Hour)
		checkSync(t, f, "the same day", Run{})
	})
}

// What each beat asks for, by example.
func TestSyncBeats(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		start := time.Now().Truncate(time.Second)
		newest := start.Add(-day)
		api.add("P1", dexcom.EGVs, start.Add(-40*day), newest.Add(1), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Events}
		mustRun(t, f, plan.Backfill, target("P1"))
		sync := func(step string, wait time.Duration, want ...plan.Call) {
			t.Helper()
			time.Sleep(wait)
			checkSync(t, f, step, Run{}, want...)
		}
		sync("nothing is new", time.Hour)
		end := newest.Add(time.Minute)
		sync("the last week, once a day", day, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: start.Add(25*time.Hour - 7*day), End: end}, Beat: plan.BeatTrailing})
		sync("not again the same day", time.Hour)
		now := time.Now().Truncate(time.Second)
		api.addRecord("P1", dexcom.EGVs, record{now, now})
		sync("news, from six hours before the newest record", time.Hour, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: end.Add(-6 * time.Hour), End: now.Add(time.Minute)}, Beat: plan.BeatNews})
		sync("that news again, for it may have become visible late", 7*time.Hour, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: now.Add(time.Minute - 6*time.Hour), End: now.Add(time.Minute)}, Beat: plan.BeatNews})
		lost := start.Add(-20 * day)
		now = time.Now().Truncate(time.Second)
		api.addRecord("P1", dexcom.EGVs, record{lost, now})
		sync("a late upload", time.Hour, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: lost.Add(-time.Minute), End: lost.Add(time.Minute)}, Beat: plan.BeatNews})
	})
}

// What is new is asked for apart from what is read again, so that the answer to the
// latter says nothing new; but for what is late, nothing is cut in three.
func TestNewsAreAskedForApart(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := func() time.Time { return time.Now().Truncate(time.Second) }
		newest := now().Add(-day)
		api.add("P1", dexcom.EGVs, now().Add(-20*day), newest.Add(1), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		mustRun(t, f, plan.Backfill, target("P1"))
		time.Sleep(2 * day)
		api.addRecord("P1", dexcom.EGVs, record{now(), now()})
		end, news := now().Add(time.Minute), newest.Add(time.Minute-6*time.Hour)
		checkSync(t, f, "news", Run{},
			plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: news, End: end}, Beat: plan.BeatNews},
			plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: now().Add(-7 * day), End: news}, Beat: plan.BeatTrailing})
		time.Sleep(7 * time.Hour)
		mustRun(t, f, plan.Sync, target("P1")) // from now on that is no news
		time.Sleep(2 * day)
		api.addRecord("P1", dexcom.EGVs, record{now().Add(-4 * day), now()})
		checkSync(t, f, "late", Run{}, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: now().Add(-7 * day), End: end}, Beat: plan.BeatNews})
	})
}

// checkSync syncs P1 and checks what was asked for, dataRange left out.
func checkSync(t *testing.T, f *Fetcher, step string, run Run, want ...plan.Call) {
	t.Helper()
	before := len(entries(t, f.Log))
	run.ID, run.Mode = "1", plan.Sync
	report, err := f.Run(t.Context(), run, []Target{target("P1")})
	if err != nil || report.Outcome != Done {
		t.Fatalf("%s: outcome %s, %v; want done", step, report.Outcome, err)
	}
	var got, names []string
	for _, e := range entries(t, f.Log)[before:] {
		got = append(got, e.Beat+" "+plan.Call{Resource: dexcom.Resource(e.Resource), Window: plan.Window{Start: e.WindowStart, End: e.WindowEnd}}.String())
	}
	for _, c := range want {
		names = append(names, c.Beat+" "+c.String())
	}
	slices.Sort(got)
	slices.Sort(names)
	if diff := cmp.Diff(strings.Join(names, "\n"), strings.Join(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", step, diff)
	}
}

// The trailing days and the deep beat are as long and as frequent as a run says.
func TestSyncBeatsAsConfigured(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := func() time.Time { return time.Now().Truncate(time.Second) }
		first, newest := now().Add(-20*day), now().Add(-day)
		end := newest.Add(time.Minute)
		api.add("P1", dexcom.EGVs, first, newest.Add(1), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		mustRun(t, f, plan.Backfill, target("P1"))
		late := func(trailing time.Duration) plan.Call {
			return plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: now().Add(-trailing), End: end}, Beat: plan.BeatTrailing}
		}
		checkSync(t, f, "just after the backfill", Run{Job: plan.Job{Trailing: 3 * day}})
		checkSync(t, f, "now, all the same", Run{Job: plan.Job{Trailing: 3 * day, TrailingNow: true}}, late(3*day))
		checkSync(t, f, "and once more", Run{Job: plan.Job{TrailingNow: true}}, late(7*day))
		time.Sleep(day + time.Minute)
		checkSync(t, f, "a day later", Run{Job: plan.Job{Trailing: 3 * day}}, late(3*day))
		time.Sleep(8 * day)
		checkSync(t, f, "within what was asked by then", Run{Job: plan.Job{Trailing: 30 * day}}, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: first.Add(-time.Minute), End: end}, Beat: plan.BeatTrailing})
		turn := plan.DeepSince("P1", 10*day, now()).Add(10 * day)
		time.Sleep(time.Until(turn) - time.Minute)
		checkSync(t, f, "before its turn", Run{Job: plan.Job{Trailing: time.Second, Deep: 10 * day}})
		time.Sleep(2 * time.Minute)
		checkSync(t, f, "everything, as often as is said", Run{Job: plan.Job{Deep: 10 * day}}, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: first.Add(-time.Minute), End: end}, Beat: plan.BeatDeep})
		time.Sleep(time.Hour)
		checkSync(t, f, "once", Run{Job: plan.Job{Deep: 10 * day}})
	})
}

// A run that is stopped among the trailing days goes on where it was, and what it
// had asked for comes along with nothing.
func TestTrailingDaysResume(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := func() time.Time { return time.Now().Truncate(time.Second) }
		newest := now().Add(-day)
		api.add("P1", dexcom.EGVs, now().Add(-90*day), newest.Add(1), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		mustRun(t, f, plan.Backfill, target("P1"))
		time.Sleep(day)
		first := now().Add(-40 * day)
		f.Concurrency = 1 // the older window before the newer
		trailing := Run{ID: "1", Job: plan.Job{Mode: plan.Sync, Trailing: 40 * day}}
		trailing.Quota = &call.Quota{Max: 3} // dataRange twice and the older window
		if report, err := f.Run(t.Context(), trailing, []Target{target("P1")}); err != nil || report.Outcome != Stopped {
			t.Fatalf("run of 3 calls: %s, %v; want stopped", report.Outcome, err)
		}
		trailing.Quota = nil
		time.Sleep(5 * time.Hour)
		checkSync(t, f, "resumed", trailing, plan.Call{Resource: dexcom.EGVs, Window: plan.Window{Start: first.Add(plan.MaxWindow), End: newest.Add(time.Minute)}, Beat: plan.BeatTrailing})
	})
}

// So do trailing days that are wanted now: what was read since they were first
// wanted is not read again.
func TestTrailingNowResumes(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, now.Add(-90*day), now.Add(-day), time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		mustRun(t, f, plan.Backfill, target("P1"))
		time.Sleep(time.Minute)
		run := Run{ID: "1", Job: plan.Job{Mode: plan.Sync, Trailing: 80 * day, TrailingNow: true}}
		wanted, windows := time.Now(), 0
		for range 3 { // a window each, beside dataRange
			run.Quota = &call.Quota{Max: 2}
			report, err := f.Run(t.Context(), run, []Target{target("P1")})
			if err != nil {
				t.Fatal(err)
			}
			windows += report.Fetched
			run.Since = wanted
			time.Sleep(time.Minute)
		}
		run.Quota = nil
		checkSync(t, f, "after three windows", run)
		if windows != 3 {
			t.Errorf("%d windows were read, want 3", windows)
		}
	})
}

// What lies at a border of a deep beat's windows, where its absence does not count,
// lies well within a window of the next; that takes a call more at most, and a beat
// that was stopped goes on in the same windows.
func TestDeepBeatsHaveOtherBorders(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		newest := time.Now().Truncate(time.Second).Add(-10 * day)
		api.add("P1", dexcom.EGVs, newest.Add(-365*day), newest, 9*time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs}
		mustRun(t, f, plan.Backfill, target("P1"))
		var before plan.Windows // a minute around each border of the last beat
		for beat := range 4 {
			time.Sleep(time.Until(plan.DeepSince("P1", 30*day, time.Now()).Add(30*day + time.Hour)))
			held := len(entries(t, f.Log))
			planned, _ := forecast(t, f, Run{Job: plan.Job{Mode: plan.Sync}}, target("P1")).calls()
			for _, quota := range []*call.Quota{{Max: 2 + 5}, nil} {
				if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Sync}, Quota: quota}, []Target{target("P1")}); err != nil {
					t.Fatal(err)
				}
			}
			var asked, borders plan.Windows
			made := entries(t, f.Log)[held:]
			for _, e := range made {
				w := plan.Window{Start: e.WindowStart, End: e.WindowEnd}
				if e.Beat != plan.BeatDeep || len(asked.Within(w)) > 0 {
					t.Errorf("beat %d asked for %v as %s after %v", beat, w, e.Beat, asked)
				}
				asked = asked.Union(plan.Windows{w})
				borders = borders.Union(plan.Windows{{Start: e.WindowEnd.Add(-time.Minute), End: e.WindowEnd.Add(time.Minute)}})
			}
			if n := len(made); len(asked) != 1 || n < 13 || n > 14 || planned-n < 0 || planned-n > 2 {
				t.Errorf("beat %d asked for %v in %d windows, planned %d with dataRange; want a year in 13 or 14", beat, asked, n, planned)
			}
			for _, border := range borders[:len(borders)-1] {
				if len(before.Within(border)) > 0 {
					t.Errorf("beat %d has a border within %v, and so had the one before", beat, border)
				}
			}
			before = borders
		}
	})
}

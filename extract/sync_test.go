package extract

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// visible returns the records that the API shows by now.
func (f *fakeAPI) visible(token string, r dexcom.Resource) (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rec := range f.people[token][r] {
		if !rec.uploaded.After(time.Now()) {
			ids = append(ids, rec.at.Format(time.RFC3339))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Whenever syncs come, whether runs are interrupted or windows fail, however late
// records are uploaded and however wrong our clock is: after a sync that is done,
// everything visible is held.
func TestSyncHoldsEverythingVisible(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			in2026(t, func(t *testing.T) { syncHoldsEverythingVisible(t, seed) })
		})
	}
}

func syncHoldsEverythingVisible(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	api := newFake(t)
	start := time.Now().Truncate(time.Second)
	for n := range 8 * 70 {
		at := start.Add(time.Duration(n) * 3 * time.Hour)
		late := time.Duration(0)
		if rng.IntN(20) == 0 {
			late = time.Duration(rng.IntN(25*24)) * time.Hour
		}
		api.addRecord("P1", dexcom.EGVs, record{at, at.Add(late)})
		if rng.IntN(15) == 0 {
			api.addRecord("P1", dexcom.Events, record{at, at.Add(late)})
		}
	}
	api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
		return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 404}, r.Resource == dexcom.DataRange || rng.IntN(20) > 0
	}
	f := newFetcher(t, api, t.TempDir())
	time.Sleep(time.Duration(rng.IntN(40*24)) * time.Hour)
	if seed%2 == 0 {
		mustRun(t, f, plan.Backfill, target("P1"))
	}
	done := 0
	for range 30 {
		time.Sleep(time.Duration(rng.IntN(96)+1) * time.Hour)
		off := time.Duration(rng.IntN(41)-20) * time.Hour
		f.Now = func() time.Time { return time.Now().Add(off) }
		ctx, cancel := context.WithCancel(t.Context())
		if rng.IntN(5) == 0 {
			time.AfterFunc(time.Duration(rng.IntN(2000))*time.Millisecond, cancel)
		}
		want := map[dexcom.Resource][]string{}
		for _, r := range []dexcom.Resource{dexcom.EGVs, dexcom.Events} {
			want[r] = api.visible("P1", r)
		}
		report, err := f.Run(ctx, Run{ID: "1", Job: plan.Job{Mode: plan.Sync}}, []Target{target("P1")})
		cancel()
		if err != nil || report.Outcome != Done {
			continue
		}
		done++
		for r, ids := range want {
			if diff := cmp.Diff(ids, heldRecords(t, f.Log, "P1", r)); diff != "" {
				t.Fatalf("seed %d at %v: %s visible but not held after %+v (-visible +held):\n%s", seed, time.Now(), r, report.Participants, diff)
			}
		}
	}
	if done < 5 {
		t.Errorf("seed %d: %d syncs were done, want more", seed, done)
	}
}

// Months of daily syncs: the deep beat reads everything again, in few calls.
func TestSyncThroughMonths(t *testing.T) {
	t.Parallel()
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		const days = 100
		start := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, start, start.Add(days*day), 3*time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Devices}
		beats := map[string]int{}
		for range days {
			time.Sleep(day)
			api.reset()
			report := mustRun(t, f, plan.Sync, target("P1"))
			if report.Outcome != Done {
				t.Fatalf("at %v: %+v", time.Now(), report)
			}
		}
		asked := map[string]time.Time{}
		for _, e := range entries(t, f.Log) {
			beats[e.Resource+" "+e.Beat]++
			if e.Resource != string(dexcom.EGVs) {
				continue
			}
			for w := range (plan.Window{Start: e.WindowStart, End: e.WindowEnd}).Split(3 * time.Hour) {
				key := w.Start.Truncate(3 * time.Hour).Format(time.RFC3339)
				if last, ok := asked[key]; ok && e.AskedAt.Sub(last) > 31*day {
					t.Fatalf("%s was read at %v and then not before %v", key, last, e.AskedAt)
				}
				asked[key] = e.AskedAt
			}
		}
		// Every day has news and, apart from them, the trailing week. The deep beat comes 3 or 4 times and then reads 1 to 4
		// windows; the newest of them is one of the trailing days.
		if n := beats["egvs news"]; n < days-1 || n > days+10 {
			t.Errorf("%d windows of news, want one a day: %v", n, beats)
		}
		if n := beats["egvs trailing"]; n < days-10 || n > days {
			t.Errorf("%d windows of the trailing days, want one a day: %v", n, beats)
		}
		if n := beats["egvs deep"]; n < 3 || n > 6 {
			t.Errorf("%d windows of the deep beat, want 0 + 1 + 2 and perhaps 3: %v", n, beats)
		}
		if n := beats["devices trailing"]; n < days-5 || n > days || beats["devices deep"] > 0 {
			t.Errorf("devices were asked for %d times, want once a day: %v", n, beats)
		}
	})
}

// Each deep beat, and nothing else, asks for a kind that dataRange leaves out,
// wherever there are records of others by then.
func TestDeepBeatOfWhatDataRangeLeavesOut(t *testing.T) {
	t.Parallel()
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		const days = 110
		start := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, start, start.Add(days*day), 5*time.Hour)
		f := newFetcher(t, api, t.TempDir())
		f.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Calibrations}
		sync := func(days int) {
			for range days {
				time.Sleep(day)
				mustRun(t, f, plan.Sync, target("P1"))
			}
		}
		sync(75)
		reach := map[time.Time]time.Time{} // how far each beat of calibrations asked
		asked := func() (beats map[string]int) {
			beats = map[string]int{}
			for _, e := range entries(t, f.Log) {
				if e.Resource == string(dexcom.Calibrations) {
					beats[e.Beat]++
					at := e.AskedAt.Truncate(time.Hour)
					reach[at] = slices.MaxFunc([]time.Time{reach[at], e.WindowEnd}, time.Time.Compare)
				}
			}
			return beats
		}
		if beats := asked(); len(beats) != 1 || beats[plan.BeatDeep] < 3 || len(reach) < 2 {
			t.Errorf("calibrations, of which there are none, were asked for %v in 75 days, at %v; want by two or three deep beats and nothing else", beats, reach)
		}
		for at, end := range reach {
			if at.Sub(end) > day {
				t.Errorf("the deep beat at %v asked for calibrations up to %v, want up to the newest record of others", at, end)
			}
		}
		hidden := time.Now().Truncate(time.Second).Add(-time.Hour)
		api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			w := plan.Window{Start: r.Start, End: r.End}
			found := r.Resource == dexcom.Calibrations && w.Contains(hidden)
			return dexcom.Answer{Body: []byte(`{"records":["hidden"]}`), Records: 1}, nil, !found
		}
		sync(days - 75)
		if !slices.Contains(heldRecords(t, f.Log, "P1", dexcom.Calibrations), "hidden") {
			t.Errorf("the calibration that dataRange hides is not held after %d days", days-75)
		}
	})
}

// After a pause longer than lastSyncTime reaches back, everything is read again,
// however seldom the deep beat comes.
func TestSyncAfterALongPause(t *testing.T) {
	for _, deep := range []time.Duration{0, 90 * day, 365 * day} {
		syncAfterALongPause(t, deep)
	}
}

func syncAfterALongPause(t *testing.T, deep time.Duration) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		start := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, start.Add(-50*day), start.Add(50*day), 5*time.Hour)
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, plan.Backfill, target("P1"))
		time.Sleep(45 * day)
		before := len(entries(t, f.Log))
		run := Run{ID: "1", Job: plan.Job{Mode: plan.Sync, Deep: deep}, Quota: &call.Quota{Max: 3}}
		if report, err := f.Run(t.Context(), run, []Target{target("P1")}); err != nil || report.Outcome != Stopped {
			t.Fatalf("deep beat every %v: %s, %v; want stopped", deep, report.Outcome, err)
		}
		run.Quota = nil
		if report, err := f.Run(t.Context(), run, []Target{target("P1")}); err != nil || report.Outcome != Done {
			t.Fatalf("deep beat every %v: %s, %v; want done", deep, report.Outcome, err)
		}
		var asked plan.Windows
		for _, e := range entries(t, f.Log)[before:] {
			if e.Resource == string(dexcom.EGVs) {
				asked = asked.Union(plan.Windows{{Start: e.WindowStart, End: e.WindowEnd}})
			}
		}
		if got := asked.Span(); len(asked) != 1 || !got.Start.Equal(start.Add(-50*day-time.Minute)) || got.End.Before(time.Now().Add(-6*time.Hour)) {
			t.Errorf("deep beat every %v: egvs asked for %v, want everything from %v on", deep, asked, start.Add(-50*day))
		}
		late := time.Now().Truncate(time.Second).Add(-20*day + time.Minute)
		api.addRecord("P1", dexcom.EGVs, record{late, time.Now()})
		time.Sleep(time.Hour)
		if _, err := f.Run(t.Context(), run, []Target{target("P1")}); err != nil || !slices.Contains(heldRecords(t, f.Log, "P1", dexcom.EGVs), late.Format(time.RFC3339)) {
			t.Errorf("deep beat every %v: the record of 20 days ago that was uploaded after it is not held (%v)", deep, err)
		}
	})
}

// A window that fails again and again keeps nobody from noticing what else is new:
// it is asked for each time, and late uploads are fetched meanwhile.
func TestNewsDespiteAFailingWindow(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		now := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, now.Add(-100*day), now.Add(-day), 3*time.Hour)
		bad := now.Add(-90 * day)
		api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 404}, r.Resource != dexcom.EGVs || !plan.Window{Start: r.Start, End: r.End}.Contains(bad)
		}
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, plan.Backfill, target("P1"))
		for _, ago := range []time.Duration{20 * day, 50 * day} {
			time.Sleep(day)
			late := now.Add(-ago + time.Minute)
			api.addRecord("P1", dexcom.EGVs, record{late, time.Now()})
			time.Sleep(time.Hour)
			if report := mustRun(t, f, plan.Sync, target("P1")); report.Outcome != Partial || report.Open != 1 {
				t.Errorf("%s, %d windows open; want the failing one", report.Outcome, report.Open)
			}
			if !slices.Contains(heldRecords(t, f.Log, "P1", dexcom.EGVs), late.Format(time.RFC3339)) {
				t.Errorf("the record of %v ago, uploaded an hour ago, is not held", ago)
			}
		}
		api.fault = nil
		if report := mustRun(t, f, plan.Sync, target("P1")); report.Outcome != Done || len(heldRecords(t, f.Log, "P1", dexcom.EGVs)) != 99*8+2 {
			t.Errorf("when it no longer fails: %s, %d records", report.Outcome, len(heldRecords(t, f.Log, "P1", dexcom.EGVs)))
		}
	})
}

// When a study is extended, what was recorded after its old end is fetched within a
// day, although all of it was news at a time when nobody was to ask for it.
func TestSyncOfAnExtendedStudy(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		start := time.Now().Truncate(time.Second)
		api.add("P1", dexcom.EGVs, start, start.Add(20*day), 3*time.Hour)
		f := newFetcher(t, api, t.TempDir())
		who := target("P1")
		who.Consented.End = start.Add(10 * day)
		sync := func(days, perDay int) {
			for range days * perDay {
				time.Sleep(day / time.Duration(perDay))
				mustRun(t, f, plan.Sync, who)
			}
		}
		sync(21, 1)
		sync(1, 9) // no news is left that could be remembered
		who.Consented.End = always.End
		sync(1, 1)
		if got := len(heldRecords(t, f.Log, "P1", dexcom.EGVs)); got != 20*8 {
			t.Errorf("%d records held a day after the study was extended, want all 160", got)
		}
	})
}

// A sync without news has as many calls under way as there may be, though nobody takes
// more than one.
func TestQuietSyncUsesAllPlaces(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 3 * defaultConcurrency {
			id := fmt.Sprintf("P%02d", i)
			api.add(id, dexcom.EGVs, time.Now().Add(-3*day), time.Now().Add(-day), time.Hour)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		mustRun(t, f, plan.Backfill, targets...)
		time.Sleep(time.Hour)
		api.delay = time.Second
		began := time.Now()
		report := mustRun(t, f, plan.Sync, targets...)
		if took := time.Since(began); report.Calls != len(targets) || took != 3*time.Second {
			t.Errorf("quiet sync of %d with calls of a second: %d calls in %v, want one each in 3s", len(targets), report.Calls, took)
		}
	})
}

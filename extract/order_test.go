package extract

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// The log holds few participants at a time, in the order of their ids, and
// calls never exceed the concurrency. One whose answers take long holds up
// nobody.
func TestOrderAndConcurrency(t *testing.T) {
	t.Parallel()
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 40 {
			id := fmt.Sprintf("P%03d", i)
			year(api, id)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		f.Concurrency = 8
		start := time.Now()
		report := mustRun(t, f, plan.Backfill, targets...)
		if report.Outcome != Done || api.peak != 8 {
			t.Errorf("outcome %s, at most %d calls at a time; want done, 8", report.Outcome, api.peak)
		}
		calls := time.Duration(report.Calls)
		if took, least := time.Since(start), calls*api.delay/8; took > least+least/10 {
			t.Errorf("took %v, want hardly more than %v: places were left empty", took, least)
		}
		first, last := map[string]int{}, map[string]int{}
		for i, e := range entries(t, f.Log) {
			if _, ok := first[e.ParticipantID]; !ok {
				first[e.ParticipantID] = i
			}
			last[e.ParticipantID] = i
		}
		for i := range targets[activeParticipants:] {
			a, b := targets[i].ParticipantID, targets[i+activeParticipants].ParticipantID
			if last[a] > first[b]+activeParticipants*30 {
				t.Errorf("%s is in the log up to entry %d, %s from %d on: participants are mixed too widely", a, last[a], b, first[b])
			}
		}
	})
}

func TestSlowParticipantHoldsUpNobody(t *testing.T) {
	t.Parallel()
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		var targets []Target
		for i := range 20 {
			id := fmt.Sprintf("P%03d", i)
			year(api, id)
			targets = append(targets, target(id))
		}
		api.fault = func(token string, _ dexcom.Request, _ int) (dexcom.Answer, error, bool) {
			if token == "P000" {
				api.mu.Unlock()
				defer api.mu.Lock()
				time.Sleep(time.Hour)
			}
			return dexcom.Answer{}, nil, true
		}
		f := newFetcher(t, api, t.TempDir())
		start := time.Now()
		others := time.Duration(0)
		f.Progress = func(p Progress) {
			if p.ParticipantsDone == len(targets)-1 && others == 0 {
				others = time.Since(start)
			}
		}
		mustRun(t, f, plan.Backfill, targets...)
		if others == 0 || others > 5*time.Minute {
			t.Errorf("19 others were done after %v, want less than 5 min", others)
		}
	})
}

// Capped syncs come to everybody in turn, also where alerts may still come because
// the last reading was just now; and what is unfinished comes first.
func TestStoppedRunsComeToEverybody(t *testing.T) {
	for _, ago := range []time.Duration{10 * day, 10 * time.Hour} {
		in2026(t, func(t *testing.T) { stoppedRunsComeToEverybody(t, ago) })
	}
}

func stoppedRunsComeToEverybody(t *testing.T, ago time.Duration) {
	api := newFake(t)
	var targets []Target
	add := func(id string) {
		api.add(id, dexcom.EGVs, time.Now().Add(-20*day), time.Now().Add(-ago), time.Hour)
		targets = append(targets, target(id))
	}
	for i := range 12 {
		add(fmt.Sprintf("P%02d", i))
	}
	f := newFetcher(t, api, t.TempDir())
	mustRun(t, f, plan.Backfill, targets...)
	sync := func(calls int) {
		t.Helper()
		if _, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Sync}, Quota: &call.Quota{Max: calls}}, targets); err != nil {
			t.Fatal(err)
		}
	}
	asked := map[string]int{}
	for range 6 {
		time.Sleep(time.Hour)
		api.reset()
		sync(4)
		for _, name := range api.order {
			asked[name]++
		}
	}
	for _, who := range targets {
		if n := asked[who.ParticipantID+" dataRange"]; n != 2 {
			t.Errorf("%s, last reading %v ago, was asked %d times in 6 syncs of 4 calls for 12 participants, want twice", who.ParticipantID, ago, n)
		}
	}
	add("P99")
	api.reset()
	sync(1)
	if !slices.Contains(api.order, "P99 dataRange") {
		t.Errorf("asked first were %v, want P99, of whom nothing is held", api.order)
	}
}

// Short syncs every day come to everybody who wears a sensor, although each of them
// has unread news whenever a run ends, a token to get and to be asked twice what there
// is before the first window.
func TestShortDailySyncsComeToEverybody(t *testing.T) {
	for _, most := range []int{9, 18} {
		in2026(t, func(t *testing.T) { shortDailySyncs(t, most) })
	}
}

func shortDailySyncs(t *testing.T, most int) {
	const people, days = 6, 14
	api := newFake(t)
	var targets []Target
	for i := range people {
		id := fmt.Sprintf("P%02d", i)
		api.add(id, dexcom.EGVs, time.Now().Add(-10*day), time.Now().Add((days+1)*day), time.Hour)
		api.add(id, dexcom.Events, time.Now().Add(-10*day), time.Now().Add((days+1)*day), 5*time.Hour)
		targets = append(targets, target(id))
	}
	f := newFetcher(t, api, t.TempDir())
	mustRun(t, f, plan.Backfill, targets...)
	windows := 0
	for range days {
		time.Sleep(day)
		windows += shortRun(t, f, plan.Sync, most, targets).Fetched
	}
	for _, who := range targets {
		held := heldRecords(t, f.Log, who.ParticipantID, dexcom.EGVs)
		newest, err := time.Parse(time.RFC3339, held[len(held)-1])
		if err != nil {
			t.Fatal(err)
		}
		if ago := time.Since(newest); ago > (people+2)*day {
			t.Errorf("%s: the newest record held after %d daily syncs of %d calls is %v old, want at most %d days", who.ParticipantID, days, most, ago, people+2)
		}
	}
	if least := days * (most - 3) / 2; windows < least {
		t.Errorf("%d windows in %d daily syncs of %d calls, want at least %d", windows, days, most, least)
	}
}

// shortRun makes a run of so many calls, of which a token takes one for each
// connection, and notes for the next whom it tried.
func shortRun(t *testing.T, f *Fetcher, mode plan.Mode, most int, targets []Target) Report {
	t.Helper()
	quota := &call.Quota{Max: most}
	var mu sync.Mutex
	fresh := map[string]bool{}
	f.Tokens = fakeTokens{token: func(id string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if fresh[id] {
			return id, nil
		}
		fresh[id] = true // none outlived the run before
		return id, quota.Take()
	}}
	report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: mode}, Quota: quota}, targets)
	if err != nil {
		t.Fatalf("%s of %d calls: %v", mode, most, err)
	}
	for i, p := range report.Participants {
		if p.Ended {
			targets[i].Tried = time.Now()
		}
	}
	return report
}

// To see whose an account is was nobody's turn: a first backfill goes by the ids, in
// whatever order people connected.
func TestConnectingIsNoTurn(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		f := newFetcher(t, api, t.TempDir())
		var targets []Target
		for i := range 4 {
			id := fmt.Sprint("P", 3-i)
			api.add(id, dexcom.EGVs, time.Now().Add(-20*day), time.Now().Add(-10*day), time.Hour)
			targets = append(targets, target(id))
			if _, err := f.Log.Append(t.Context(), raw.Header{
				ParticipantID: id, ConnectionID: id, Resource: string(dexcom.DataRange), Beat: plan.BeatConnect, Status: 200, AskedAt: time.Now(),
			}, api.ranges(id, time.Time{})); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		for i := range targets {
			api.reset()
			shortRun(t, f, plan.Backfill, 3, slices.Clone(targets))
			if want := fmt.Sprint("P", i, " dataRange"); api.order[0] != want {
				t.Errorf("run %d of 3 calls asked for %v first, want %s", i, api.order, want)
			}
		}
	})
}

// One of whom the API never says what there is has a turn like everybody, and who
// comes first is not asked in vain for a window that is empty within the range. Six
// calls are the least with which every run gets on.
func TestFailingParticipantHoldsUpNobody(t *testing.T) {
	for _, mode := range []plan.Mode{plan.Backfill, plan.Sync} {
		in2026(t, func(t *testing.T) {
			const people = 5
			api := newFake(t)
			api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
				return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: 500}, token != "P0"
			}
			var targets []Target
			for i := range people {
				id := fmt.Sprint("P", i)
				api.add(id, dexcom.EGVs, time.Now().Add(-100*day), time.Now().Add(-95*day), time.Hour)
				api.add(id, dexcom.EGVs, time.Now().Add(-30*day), time.Now().Add(-25*day), time.Hour)
				targets = append(targets, target(id))
			}
			f := newFetcher(t, api, t.TempDir())
			f.Resources = []dexcom.Resource{dexcom.EGVs}
			for range 3 * people { // each takes two runs at most
				shortRun(t, f, mode, 6, targets)
				time.Sleep(time.Hour)
			}
			for _, who := range targets[1:] {
				if got := len(heldRecords(t, f.Log, who.ParticipantID, dexcom.EGVs)); got != 10*24 {
					t.Errorf("%s: %d records of %s held after %d runs of 6 calls, want 240", mode, got, who.ParticipantID, 3*people)
				}
			}
		})
	}
}

// A participant with much to fetch leaves others their turn, also when runs are
// stopped over and over.
func TestMuchWorkStarvesNobody(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		api.add("P00", dexcom.EGVs, time.Now().Add(-12*365*day), time.Now().Add(-2*day), 3*day)
		targets := []Target{target("P00")}
		for i := range 11 {
			id := fmt.Sprintf("P%02d", i+1)
			api.add(id, dexcom.EGVs, time.Now().Add(-60*day), time.Now().Add(-2*day), 8*time.Hour)
			targets = append(targets, target(id))
		}
		f := newFetcher(t, api, t.TempDir())
		calls := 0
		for range 5 {
			report, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}, Quota: &call.Quota{Max: 30}}, targets)
			if err != nil || report.Outcome != Stopped {
				t.Fatalf("run of 30 calls: %s, %v; want stopped", report.Outcome, err)
			}
			calls += report.Calls
		}
		for _, who := range targets[1:] {
			if got := len(heldRecords(t, f.Log, who.ParticipantID, dexcom.EGVs)); got != 58*3 {
				t.Errorf("%s: %d records held after %d calls, want all 174 although P00 has 12 years", who.ParticipantID, got, calls)
			}
		}
	})
}

// Windows are asked for oldest first whatever the resource, or newest first: what
// runs with few calls bring one after another is in that order, however many windows
// are asked for at a time.
func TestOrderOfWindows(t *testing.T) {
	const perRun = 4
	for _, newest := range []bool{false, true} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			year(api, "P1")
			f := newFetcher(t, api, t.TempDir())
			f.Resources = []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Alerts}
			var starts []string
			for outcome := Stopped; outcome == Stopped; {
				run := Run{ID: "1", Job: plan.Job{Mode: plan.Backfill, NewestFirst: newest}, Quota: &call.Quota{Max: 1 + perRun}}
				report, err := f.Run(t.Context(), run, []Target{target("P1")})
				if err != nil {
					t.Fatal(err)
				}
				outcome = report.Outcome
				var brought []string
				for _, name := range api.reset() {
					start, _, _ := strings.Cut(strings.Fields(name)[2], "/")
					brought = append(brought, start)
				}
				slices.Sort(brought)
				if newest {
					slices.Reverse(brought)
				}
				starts = append(starts, brought...)
			}
			if newest {
				slices.Reverse(starts)
			}
			if !slices.IsSorted(starts) || len(starts) < 5*perRun {
				t.Errorf("newest first %t: runs of %d calls brought windows that began at %v", newest, 1+perRun, starts)
			}
		})
	}
}

package extract_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// A diary notes when calls for data reached the API.
type diary struct {
	http.Handler
	mu    sync.Mutex
	calls []time.Time
}

func (d *diary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/users/self/") {
		d.mu.Lock()
		d.calls = append(d.calls, time.Now())
		d.mu.Unlock()
	}
	d.Handler.ServeHTTP(w, r)
}

// most returns the largest number of calls in 60 minutes, wherever they begin.
func (d *diary) most() (most int) {
	for i, last := range d.calls {
		first, _ := slices.BinarySearchFunc(d.calls, last.Add(-time.Hour), func(at, t time.Time) int {
			if at.After(t) {
				return 1
			}
			return -1
		})
		most = max(most, i+1-first)
	}
	return most
}

// Three runs with stores of their own, over one study and for hours: no 60 minutes
// see more calls than the limit, and what the limit allows is made use of.
func TestThreeRunsShareTheHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 4, 1, 12, 34, 56, 0, time.UTC)))
		threeRuns(t, 40)
	})
}

func threeRuns(t *testing.T, perHour int) {
	sim, err := dexsim.New(dexsim.Config{Seed: 7, Participants: 6, Days: 3, AccessTTL: 240 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://127.0.0.1"
	book := &diary{Handler: sim}
	client := serve(t, book)
	tokens, targets := connect(t, sim, client, base)
	dir := t.TempDir()
	began := time.Now()
	var runs sync.WaitGroup
	for i := range 3 {
		store, err := state.Open(t.Context(), filepath.Join(dir, "state"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		log, err := raw.Open(filepath.Join(dir, "raw"))
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		log.Fsync = noSync
		f := extract.Fetcher{
			Clients: map[string]call.API{"us": &dexcom.Client{BaseURL: base, HTTP: client}},
			Tokens:  tokens, Log: log, Budget: store, Claims: &cohort.Cohort{Store: store}, CallsPerHour: perHour,
		}
		mine := []extract.Target{targets[2*i], targets[2*i+1]}
		runs.Go(func() {
			for n := range 4 {
				run := extract.Run{ID: fmt.Sprint(i, n), Job: plan.Job{Mode: plan.Refresh}}
				if report, err := f.Run(t.Context(), run, within(mine, 30)); err != nil || report.Outcome != extract.Done {
					t.Errorf("run %d: %s, %v; want done", i, report.Outcome, err)
				}
			}
		})
	}
	runs.Wait()
	most, hours := book.most(), time.Since(began).Hours()
	t.Logf("%d an hour: %d calls in %.1f hours, %d at most in 60 minutes", perHour, len(book.calls), hours, most)
	if most > perHour {
		t.Errorf("%d calls in 60 minutes, the limit is %d", most, perHour)
	}
	if hours < 4 || float64(len(book.calls))/hours < 0.9*float64(perHour) {
		t.Errorf("%d calls in %.1f hours, want several hours and the limit of %d made use of", len(book.calls), hours, perHour)
	}
}

// within returns targets with only the last days consented.
func within(targets []extract.Target, days int) []extract.Target {
	targets = slices.Clone(targets)
	for i := range targets {
		targets[i].Consented.Start = time.Now().AddDate(0, 0, -days).Truncate(time.Second)
	}
	return targets
}

// A backfill leaves a tenth of the hour to syncs, to be called at once, and half of it
// while one is under way; what it takes again when that has ended is the tenth less.
func TestBackfillYieldsToSync(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	open := func() *state.Store {
		s, err := state.Open(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		s.Now = func() time.Time { return now }
		return s
	}
	ours, theirs := open(), open()
	defer ours.Close()
	backfill := call.BackfillBudget{Budget: ours, SyncUnderWay: ours.SyncUnderWay}
	takes := func(b call.Budget, n int) (all int) {
		for range 10 {
			got, _, err := b.TakeCalls(ctx, "us", n, call.ShareOf(100))
			if err != nil {
				t.Fatal(err)
			}
			all += got
		}
		return all
	}
	take := func(step string, b call.Budget, n, want int) {
		t.Helper()
		if got := takes(b, n); got != want {
			t.Errorf("%s: %d calls granted, want %d", step, got, want)
		}
	}
	// minutely takes what there is every minute for so many.
	minutely := func(b call.Budget, minutes int) (all int) {
		for range minutes {
			now = now.Add(time.Minute)
			all += takes(b, 40)
		}
		return all
	}
	take("backfill alone, 40 at once and the first of the others", backfill, 40, 41)
	if err := theirs.BeginSync(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if got := minutely(backfill, 20); got > 3 {
		t.Errorf("backfill beside a sync: %d calls granted in 20 minutes, want a third at most of the 9 up to half of the hour's", got)
	}
	take("the sync, the tenth at once and one of the others", theirs, 1, 10)
	take("the backfill beyond the half", backfill, 40, 0)
	if err := theirs.EndSync(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if got := minutely(backfill, 41); got < 34 || got > 38 {
		t.Errorf("backfill after the sync: %d calls granted until the hour is over, want about the 36 up to its share", got)
	}
	if got := minutely(theirs, 1); got < 1 {
		t.Error("another sync is granted nothing beside the backfill's share")
	}
	now = now.Add(2 * time.Hour)
	if err := theirs.BeginSync(ctx, "2"); err != nil {
		t.Fatal(err)
	}
	theirs.Close() // as when its process dies
	take("backfill after a sync that died", backfill, 100, 41)
}

// While a sync is under way, a backfill that has used up its half waits, and goes
// on soon after the sync has ended.
func TestBackfillWaitsForTheSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := state.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if err := store.BeginSync(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		budget := call.BackfillBudget{Budget: store, SyncUnderWay: store.SyncUnderWay}
		wait := func(ctx context.Context) error { return call.WaitForCall(ctx, budget, "us", 20, func() {}) }
		for range 9 { // 8 at once and one of the others
			if err := wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		const ends = 10*time.Minute - 8*time.Second // not when it is looked for
		time.AfterFunc(ends, func() { store.EndSync(context.Background(), "1") })
		began := time.Now()
		if err := wait(t.Context()); err != nil || time.Since(began) < ends || time.Since(began) > ends+15*time.Second {
			t.Errorf("call beyond the backfill's half: after %v, %v; want it when the sync has ended after %v", time.Since(began), err, ends)
		}
	})
}

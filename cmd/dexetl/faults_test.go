package main

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A faultRow is a row of the table of faults in docs/reliability.md.
type faultRow struct {
	name    string
	weather dexsim.Kinds // of the transport, which half of all questions meet
	befalls func(*faulty)
}

// A faulty is a study that a fault befalls. Its people live around a change of
// clocks, in zones off the hour too, with every anomaly of the data.
type faulty struct{ *life }

// faultRows have few kinds of weather each: what is taken for an empty answer is asked for
// again, so a kind that is rare in its row could be taken for one and nobody would see it.
func faultRows() []faultRow {
	return []faultRow{
		{"429 storm", dexsim.TooMany, (*faulty).storm},
		{"5xx, reset", dexsim.ServerError | dexsim.Reset, (*faulty).weathered},
		{"200 with HTML, wrong content type", dexsim.HTML | dexsim.ContentType, (*faulty).weathered},
		{"200 with a wrong envelope", dexsim.Envelope, (*faulty).weathered},
		{"cut", dexsim.Cut | dexsim.CutGzip, (*faulty).weathered},
		{"slow, endless, gzip bomb", dexsim.Slow | dexsim.Huge, (*faulty).endless},
		{"empty 200", dexsim.Empty, (*faulty).weathered},
		{"401 in mid-run", dexsim.Unauthorized, (*faulty).weathered},
		{"400", 0, (*faulty).refused},
		{"two runs at once", 0, (*faulty).twoRuns},
		{"disk full", 0, (*faulty).diskFull},
		{"kill -9", 0, (*faulty).killed},
		{"bit rot, truncation, a deleted file", 0, (*faulty).rots},
		{"clock wrong", 0, (*faulty).clockWrong},
		{"odd times, enums, fields, nulls, numbers as text", 0, (*faulty).oddRecords},
		{"clocks change, zones off the hour, the machine's zone", 0, (*faulty).machineZone},
		{"schema newer than the program", 0, (*faulty).newerSchema},
	}
}

// Whatever befalls a study, in the end its lake is the one that nothing befell.
func TestFaultTable(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	clean := newFaulty(t, 0)
	clean.must("backfill")
	want, notes := clean.digests(), clean.notes()
	calls := clean.api.Stats().Calls
	clean.bench.compareWithTruth()
	for _, row := range faultRows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, row.weather)
			row.befalls(f)
			f.through()
			if row.weather != 0 && f.api.Stats().Calls <= calls {
				t.Errorf("%d calls, as many as in good weather: nothing befell it", f.api.Stats().Calls)
			}
			f.equal("a study that nothing befell", clean.bench)
			if got := f.digests(); !slices.Equal(got, want) || !slices.Equal(f.notes(), notes) {
				t.Errorf("the lake is not the one that nothing befell, first in\n%s", firstDifference(got, want))
			}
		})
	}
}

func newFaulty(t *testing.T, weather dexsim.Kinds) *faulty {
	t.Helper()
	end := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC) // the day after clocks went forward in Berlin
	b := newBenchAt(t, dexsim.Config{
		Seed: 21, Participants: 7, Days: 3, End: end,
		Chaos: dexsim.Chaos{
			Kinds: dexsim.AllData | weather, RecordRate: 0.1, FaultRate: 0.5,
			RetryAfter: time.Second, Slow: 200 * time.Millisecond, Huge: 3e6,
		},
	}, end.AddDate(0, 0, 40)) // when all is uploaded
	b.env["DEXETL_STUDY_HISTORY"] = "all" // some records were moved to before it began
	l := &life{bench: b, rng: rand.New(rand.NewPCG(21, 1)), people: make([]*member, 7)}
	return &faulty{l}
}

// through backfills until all is held.
func (f *faulty) through() {
	f.t.Helper()
	for try := 0; ; try++ {
		code, _, stderr := f.run("backfill")
		if code == exitDone {
			return
		}
		if try == 6 || !slices.Contains(fetchCodes(), code) {
			f.t.Fatalf("dexetl backfill: exit %d\n%s", code, stderr)
		}
	}
}

// ended runs dexetl, which has to end with a code and words.
func (f *faulty) ended(code int, words string, args ...string) {
	f.t.Helper()
	got, stdout, stderr := f.run(args...)
	if got != code || !strings.Contains(stdout+stderr, words) {
		f.t.Errorf("dexetl %s: exit %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, words, stdout, stderr)
	}
}

// weathered says nothing of a fault that a run gets through.
func (f *faulty) weathered() {
	f.t.Helper()
	if code, _, stderr := f.run("backfill"); !slices.Contains(fetchCodes(), code) {
		f.t.Fatalf("dexetl backfill: exit %d\n%s", code, stderr)
	}
}

// storm is got through by one run, which waits as long as it is told.
func (f *faulty) storm() {
	f.t.Helper()
	began := time.Now()
	f.must("backfill")
	limited := 0
	for _, byStatus := range f.api.Stats().Requests {
		limited += byStatus[http.StatusTooManyRequests]
	}
	if took := time.Since(began); limited == 0 || took < time.Second {
		f.t.Errorf("%d answers of 429 and %v in all: it did not wait a second", limited, took)
	}
}

// oddRecords come in two parts, and are all there as they were sent.
func (f *faulty) oddRecords() {
	f.t.Helper()
	f.must("backfill", "--from", "2026-03-29")
	f.must("backfill")
	f.bench.compareWithTruth()
	if odd := f.query("select count(*) from rejects")[0][0]; odd == "0" {
		f.t.Error("no record was odd enough to be rejected")
	}
}

// twoRuns share the work.
func (f *faulty) twoRuns() {
	f.t.Helper()
	one, other := f.process("backfill"), f.process("sync")
	for _, p := range []interface{ Start() error }{one, other} {
		check(f.t, p.Start())
	}
	for _, p := range []interface{ Wait() error }{one, other} {
		check(f.t, p.Wait())
	}
	f.askedOncePerRun()
	if stats := f.api.Stats(); stats.OverlapsOpen+stats.Reused > 0 {
		f.t.Errorf("%d windows were asked for by both at once, %d tokens used twice", stats.OverlapsOpen, stats.Reused)
	}
}

// killed dies early, midway and late.
func (f *faulty) killed() {
	f.t.Helper()
	f.between = f.newBetween(1)
	for _, answers := range []int64{2, 9, 16} {
		f.kill(death{answers: answers}, "backfill")
	}
	f.must("backfill")
	if f.between.killed != 3 {
		f.t.Errorf("%d processes were killed, want 3", f.between.killed)
	}
	f.askedOncePerRun()
}

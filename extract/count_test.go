package extract_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// simulated is a simulated cohort, a log, and a fetcher from one into the other.
type simulated struct {
	*testing.T
	api     *dexsim.Server
	fetcher extract.Fetcher
	targets []extract.Target
}

// inMarch2026 runs f at noon of its first day.
func inMarch2026(t *testing.T, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		f(t)
	})
}

func newSimulated(t *testing.T, config dexsim.Config) *simulated {
	config.AccessTTL = 1000 * time.Hour
	sim, err := dexsim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://127.0.0.1"
	client := serve(t, sim)
	tokens, everybody := connect(t, sim, client, base)
	log, err := raw.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	log.Fsync = noSync
	return &simulated{T: t, api: sim, targets: everybody, fetcher: extract.Fetcher{
		Clients: map[string]call.API{"us": &dexcom.Client{BaseURL: base, HTTP: client}},
		Tokens:  tokens, Log: log,
	}}
}

func (s *simulated) run(mode plan.Mode) extract.Report {
	s.Helper()
	report, err := s.fetcher.Run(s.Context(), extract.Run{ID: "1", Job: plan.Job{Mode: mode}}, s.targets)
	if err != nil || report.Outcome != extract.Done {
		s.Fatalf("%s at %v: %v, %v; want done", mode, time.Now(), report.Outcome, err)
	}
	return report
}

// countsAlone marks a test of many runs that counts calls. What goes on at once within a
// run, others have, too: the race detector would see nothing new, at several times the
// price. make test runs the test without it.
func countsAlone(t *testing.T) {
	t.Helper()
	if extract.Raced {
		t.Skip("one run after the other: make test runs it without the race detector")
	}
}

// A year of everybody's data takes at most 13 calls for each resource that has
// records and two more, and a sync that finds nothing new takes one.
func TestCallsPerParticipantYear(t *testing.T) {
	countsAlone(t)
	t.Parallel()
	inMarch2026(t, func(t *testing.T) {
		s := newSimulated(t, dexsim.Config{Seed: 5, Participants: 10, Days: 365})
		// With all kinds of records, without events and calibrations, without any.
		s.targets = []extract.Target{s.targets[1], s.targets[6], s.targets[9]}
		report := s.run(plan.Backfill)
		for i, target := range s.targets {
			truth, _ := s.api.TruthOf(target.ParticipantID)
			with := 0
			for _, n := range []int{len(truth.EGVs), len(truth.Events), len(truth.Calibrations), len(truth.Alerts)} {
				with += min(n, 1)
			}
			if p := report.Participants[i]; p.Calls > 13*with+2 || p.Calls < 13*with {
				t.Errorf("%s (%s): %d calls for a year of %d resources, want at most %d", p.ParticipantID, truth.Kind, p.Calls, with, 13*with+2)
			}
		}
		time.Sleep(26 * time.Hour) // everything was uploaded, and alerts come no more
		s.run(plan.Sync)
		for range 5 {
			time.Sleep(time.Hour)
			if report := s.run(plan.Sync); report.Calls > len(s.targets) {
				t.Errorf("quiet sync at %v: %d calls for %d participants, want one each", time.Now(), report.Calls, len(s.targets))
			}
		}
	})
}

// Syncs every hour ask dataRange once each, for what dataRange shows as new, and
// once a day for the trailing days: not for the hours of a week ago one by one, as
// news brought them.
func TestCallsOfHourlySyncs(t *testing.T) {
	countsAlone(t)
	t.Parallel()
	inMarch2026(t, func(t *testing.T) {
		const people, days = 3, 3
		s := newSimulated(t, dexsim.Config{Seed: 5, Participants: people, Days: 20, End: time.Now().AddDate(0, 0, days+1)})
		hourly := func(days int) {
			for range 24 * days {
				s.run(plan.Sync)
				time.Sleep(time.Hour)
			}
		}
		hourly(1)
		begun := time.Now()
		hourly(days)
		calls, news := s.callsSince(begun)
		perDay := 0.0
		for k, n := range calls {
			most := news[kind{k.participant, k.resource, ""}]
			switch {
			case k.resource == dexcom.DataRange:
				most = 24 * days
			case k.beat != plan.BeatNews:
				most = days*24/23 + 1
			}
			if n > most {
				t.Errorf("%s: asked for %s (%s) %d times in %d days of hourly syncs, want at most %d", k.participant, k.resource, k.beat, n, days, most)
			}
			perDay += float64(n) / people / days
		}
		t.Logf("%.1f calls per participant and day", perDay)
		if perDay > 100 {
			t.Errorf("%.1f calls per participant and day of hourly syncs, want at most 100: %v", perDay, calls)
		}
		s.checkTrailing()
	})
}

// A kind of call.
type kind struct {
	participant string
	resource    dexcom.Resource
	beat        string
}

// callsSince counts the calls that the log holds since then, and the answers of
// dataRange that show news of a resource (without a beat). Alerts may be new
// whenever anything is.
func (s *simulated) callsSince(begun time.Time) (calls, news map[kind]int) {
	s.Helper()
	calls, news = map[kind]int{}, map[kind]int{}
	for e, err := range s.fetcher.Log.Entries(raw.Position{}) {
		if err != nil {
			s.Fatal(err)
		}
		if e.AskedAt.Before(begun) {
			continue
		}
		calls[kind{e.ParticipantID, dexcom.Resource(e.Resource), e.Beat}]++
		if e.Resource != string(dexcom.DataRange) {
			continue
		}
		plain, err := e.Plain()
		if err != nil {
			s.Fatal(err)
		}
		ranges, err := dexcom.ParseRanges(plain)
		if err != nil {
			s.Fatal(err)
		}
		shown := map[dexcom.Resource]bool{
			dexcom.EGVs: ranges.EGVs != nil, dexcom.Events: ranges.Events != nil, dexcom.Calibrations: ranges.Calibrations != nil,
		}
		shown[dexcom.Alerts] = shown[dexcom.EGVs] || shown[dexcom.Events] || shown[dexcom.Calibrations]
		for r, is := range shown {
			if is {
				news[kind{e.ParticipantID, r, ""}]++
			}
		}
	}
	return calls, news
}

// checkTrailing checks that what was held of the last week was read within a day.
func (s *simulated) checkTrailing() {
	s.Helper()
	var index plan.Index
	if err := index.Extend(s.fetcher.Log); err != nil {
		s.Fatal(err)
	}
	now := time.Now()
	checked := 0
	for _, target := range s.targets {
		for r, pieces := range index.Held(target.ParticipantID, target.ConnectionID).Coverage {
			for _, p := range pieces {
				if p.End.Before(now.AddDate(0, 0, -7)) {
					continue
				}
				checked++
				if age := now.Sub(p.Asked); age > 24*time.Hour {
					s.Errorf("%s: %s of %v were last read %v ago, want within a day", target.ParticipantID, r, p.Window, age)
				}
			}
		}
	}
	if checked < 6 {
		s.Errorf("%d pieces are held of the last week, want more", checked)
	}
}

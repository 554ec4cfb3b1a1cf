package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
)

var (
	simulateSeeds = flag.Int("simulate", 2, "seeds of TestSimulation")
	simulateFirst = flag.Uint64("simulate.seed", 1, "the first of them")
)

// A whole study, drawn from a seed: who takes part, what the API does wrong, what
// people do in which order and at what time, and which of it is killed. Whatever it
// was, the lake ends as one fresh backfill makes it and as its raw log makes it,
// what is computed is what is computed anew, nothing was asked for that was held or
// was not consented to, nobody who withdrew has a row from then on, nothing is left of who
// was erased, tagged snapshots say what they did, and all files are as they were written.
func TestSimulation(t *testing.T) {
	oneAfterTheOther(t) // nobody hears what the detector says of who is killed
	t.Parallel()
	for seed := *simulateFirst; seed < *simulateFirst+uint64(*simulateSeeds); seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			s := simulate(t, seed)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("what was done:\n%s", strings.Join(s.story, "\n"))
					t.Logf("to see it again: make simulate-seeds SEEDS=1 SEED=%d", seed)
				}
			})
			for !s.now.After(demoNow) {
				s.step()
			}
			s.end()
			t.Logf("%d steps; %d processes killed, %d questions to the API, %d people of %d withdrew, %d of them erased",
				s.steps, s.between.killed, len(s.ear.asked), len(s.withdrawn), len(s.people), len(s.erased))
		})
	}
}

// A simulation is a life of which every step is drawn.
type simulation struct {
	*life
	day   int // up to which people have joined
	steps int
	story []string

	consents  map[string][]inForce
	withdrawn map[string]time.Time // from when on
	before    map[string][]string  // what was held of them from before
	erased    map[string]bool
	harmed    bool              // a file of the lake was
	tags      map[string]string // metrics of the snapshot when it was tagged, by name
}

// An inForce is what may be asked of a participant from an instant on.
type inForce struct {
	since  time.Time
	window plan.Window // empty: nothing
}

// simulate begins the study of a seed.
func simulate(t *testing.T, seed uint64) *simulation {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	config := dexsim.Config{
		Seed: seed, End: demoNow, Participants: 2 + rng.IntN(3), Days: 2 + rng.IntN(3), Strict: rng.IntN(2) == 0,
		Chaos: dexsim.Chaos{
			Kinds: dexsim.Kinds(rng.Uint64()) & (dexsim.AllData | dexsim.AllTransport), FaultRate: 0.05 * rng.Float64(),
			RecordRate: 0.15 * rng.Float64(), RetryAfter: time.Second, Slow: 100 * time.Millisecond, Huge: 1e6,
		},
	}
	raw := []string{"keep", "compact"}[rng.IntN(2)]
	s := &simulation{
		life: beginOf(t, config, raw, 1), day: -1,
		consents: make(map[string][]inForce), withdrawn: make(map[string]time.Time), before: make(map[string][]string),
		erased: make(map[string]bool), tags: make(map[string]string),
	}
	s.rng, s.imported = rng, make(map[string][]string)
	s.listen()
	s.now = s.start
	s.tell("%d people, %d days, raw log: %s, strict %t, faults %.3f, odd records %.3f: %s",
		config.Participants, config.Days, raw, config.Strict, config.Chaos.FaultRate, config.Chaos.RecordRate, config.Chaos.Kinds)
	return s
}

// listen puts an eavesdropper between everybody and the API.
func (s *simulation) listen() {
	s.ear = &eavesdropper{api: s.api, owner: make(map[string]string), now: func() time.Time { return *s.clock.Load() }}
	server := httptest.NewUnstartedServer(s.ear)
	server.Config.ErrorLog = quiet()
	server.Start()
	s.t.Cleanup(server.Close)
	s.url = server.URL
	s.env["DEXETL_API_BASE_URL"] = s.url
	s.between = s.newBetween(1)
}

func (s *simulation) tell(format string, args ...any) {
	s.story = append(s.story, s.now.Format("01-02 15:04:05 ")+fmt.Sprintf(format, args...))
}

// step lets time pass, lets those join whose day has come, and does something.
func (s *simulation) step() {
	s.pass(time.Duration(1 + s.rng.Int64N(int64(24*time.Hour))))
	for next := int(s.now.Sub(s.start) / (24 * time.Hour)); s.day < next; {
		s.day++
		s.join(s.day)
	}
	s.consent()
	if s.steps++; s.steps == 1 {
		s.fetch("sync")
		return
	}
	s.draw()()
}

// pass lets time pass: two things at one instant are not told apart by what was
// asked then.
func (s *simulation) pass(d time.Duration) { s.now = s.now.Add(d.Truncate(time.Second) + time.Second) }

// consent notes what may be asked of everybody from now on.
func (s *simulation) consent() {
	for _, m := range s.people {
		w := m.consented
		if !m.joined || m.paused || m.withdrawn {
			w = plan.Window{}
		}
		last := s.consents[m.id()]
		if len(last) == 0 || last[len(last)-1].window != w {
			s.consents[m.id()] = append(last, inForce{s.now, w})
		}
	}
}

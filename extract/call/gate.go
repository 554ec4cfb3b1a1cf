package call

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Settings are what a Gate is made from. Only Quota, Budget and Reached may be nil.
type Settings struct {
	App          string // one registration with the API, in one region
	Client       API
	Budget       Budget // keeps the pace; nil: there is none
	Quota        *Quota // nil: any number of calls
	CallsPerHour int
	Concurrency  int                               // calls at a time
	Reached      func()                            // called when the app answers again after it seemed to be out of reach
	Jitter       func(time.Duration) time.Duration // spreads waits
	Now          func() time.Time                  // for what is said to people
	Logger       *slog.Logger
}

// A Gate is where all requests of an app pass: it holds them back while the app cannot
// be reached, is paused, has no calls left or no place. Waits are measured by the
// process's own clock.
type Gate struct {
	of      Settings
	looks   atomic.Int64  // calls that only looked whether the API answers
	looking chan struct{} // held by the one who looks

	mu     sync.Mutex
	gaveUp error // *LimitError or *OutageError; no call is made any more
	turns  turns
	budget granted
	limit  refusals
	outage outage
}

// NewGate returns an open gate.
func NewGate(s Settings) *Gate {
	return &Gate{
		of: s, looking: make(chan struct{}, 1),
		turns: newTurns(s.Concurrency), outage: outage{by: map[string]bool{}},
	}
}

// PerParticipant is how many calls at a time one participant gets at most.
func (g *Gate) PerParticipant() int { return g.turns.perParticipant }

// Looks is how many calls only looked whether the API answers.
func (g *Gate) Looks() int { return int(g.looks.Load()) }

// Over is why the app was given up for this run, *OutageError or *LimitError; nil if
// it was not.
func (g *Gate) Over() error {
	unreached := g.Unreached()
	g.mu.Lock()
	defer g.mu.Unlock()
	return cmp.Or(unreached, g.gaveUp)
}

// send sends r when it is its turn. Refusals as too many slow the whole app
// down; r is repeated until it is taken.
func (g *Gate) send(ctx context.Context, l Line, token string, r dexcom.Request) (dexcom.Answer, error) {
	for {
		answer, sent, err := g.once(ctx, l, token, r)
		limit := tooMany(err)
		if limit == nil {
			if err == nil {
				g.accepted()
			}
			return answer, err
		}
		if err := g.refused(ctx, sent, limit); err != nil {
			return dexcom.Answer{}, err
		}
	}
}

// once sends r once and returns when it was sent.
func (g *Gate) once(ctx context.Context, l Line, token string, r dexcom.Request) (answer dexcom.Answer, sent time.Time, err error) {
	leave, err := g.place(ctx, l.ParticipantID)
	if err != nil {
		return answer, sent, err
	}
	defer leave()
	if err := g.of.Quota.check(); err != nil { // nothing is waited for that may not be sent
		return answer, sent, err
	}
	if _, err := g.pass(ctx, toCall); err != nil {
		return answer, sent, err
	}
	if err := l.MayAsk(ctx); err != nil { // after all waiting
		return answer, sent, err
	}
	if err := g.of.Quota.Take(); err != nil {
		return answer, sent, err
	}
	l.Sent()
	sent = time.Now()
	ctx, cancel := outlasting(ctx)
	defer cancel()
	answer, err = g.of.Client.Do(ctx, token, r)
	return answer, sent, err
}

// look asks the API for nobody's data, and returns why no answer came: nil if one
// did, whatever it said. The error is why no call may be made.
func (g *Gate) look(ctx context.Context) (unreached, err error) {
	if _, err := g.pass(ctx, toLook); err != nil {
		return nil, err
	}
	if err := g.of.Quota.Take(); err != nil {
		return nil, err
	}
	g.looks.Add(1)
	_, unreached = g.of.Client.Probe(ctx)
	if gotAnswer(unreached) {
		return nil, nil
	}
	return unreached, ctx.Err()
}

package call

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Settings are what a Gate is made from. Only Quota, Budget and Reached may be nil.
type Settings struct {
	App          string // one registration with the API, in one region
	Client       API
	Budget       Budget // nil: no other process calls
	Quota        *Quota // nil: any number of calls
	CallsPerHour int
	Concurrency  int                               // calls at a time
	Reached      func()                            // called when the app answers again after it seemed to be out of reach
	Jitter       func(time.Duration) time.Duration // spreads waits
	Now          func() time.Time                  // for what is said to people
	Logger       *slog.Logger
}

// A Gate is where all requests of an app pass: it holds them back while the app cannot
// be reached, is paused, has no calls left or no place.
type Gate struct {
	of     Settings
	outage *outage
	pace   *pace
	turns  *turns
	looks  atomic.Int64 // calls that only looked whether the API answers
}

// NewGate returns an open gate.
func NewGate(s Settings) *Gate {
	g := &Gate{of: s, turns: newTurns(s.Concurrency)}
	g.pace, g.outage = newPace(&g.of), newOutage(&g.of)
	g.outage.look = g.look
	return g
}

// PerParticipant is how many calls at a time one participant gets at most.
func (g *Gate) PerParticipant() int { return g.turns.perParticipant }

// Enter counts a connection that is fetched from; leave when it no longer is.
func (g *Gate) Enter() (leave func()) { return g.outage.enter() }

// Looks is how many calls only looked whether the API answers.
func (g *Gate) Looks() int { return int(g.looks.Load()) }

// Unreached is an *OutageError where the app could not be reached when the run ended.
func (g *Gate) Unreached() error { return g.outage.underWay() }

// Over is why the app was given up for this run, *OutageError or *LimitError; nil if
// it was not.
func (g *Gate) Over() error { return cmp.Or(g.outage.underWay(), g.pace.over()) }

// open returns when requests of the app make sense: it can be reached, and is not
// paused. Waited reports whether there was an outage. No token is asked for before.
func (g *Gate) open(ctx context.Context) (waited bool, err error) {
	if waited, err = g.outage.wait(ctx); err != nil {
		return waited, err
	}
	return waited, g.pace.open(ctx)
}

// send sends r when it is its turn. Refusals as too many slow the whole app
// down; r is repeated until it is taken.
func (g *Gate) send(ctx context.Context, l Line, token string, r dexcom.Request) (dexcom.Answer, error) {
	for {
		answer, sent, err := g.once(ctx, l, token, r)
		limit := tooMany(err)
		if limit == nil {
			if err == nil {
				g.pace.accepted()
			}
			return answer, err
		}
		if err := g.pace.refused(ctx, sent, limit.RetryAfter, limit); err != nil {
			return dexcom.Answer{}, err
		}
	}
}

// tooMany returns err as a refusal of a call as one too many, else nil.
func tooMany(err error) *dexcom.StatusError {
	if status, ok := errors.AsType[*dexcom.StatusError](err); ok && status.Code == http.StatusTooManyRequests {
		return status
	}
	return nil
}

// once sends r once and returns when it was sent.
func (g *Gate) once(ctx context.Context, l Line, token string, r dexcom.Request) (answer dexcom.Answer, sent time.Time, err error) {
	if err := g.turns.take(ctx, l.ParticipantID); err != nil {
		return answer, sent, err
	}
	defer g.turns.give(l.ParticipantID)
	if err := g.of.Quota.check(); err != nil { // nothing is waited for that may not be sent
		return answer, sent, err
	}
	if _, err := g.outage.wait(ctx); err != nil { // one may have begun since open
		return answer, sent, err
	}
	if err := g.pace.wait(ctx); err != nil {
		return answer, sent, err
	}
	if err := l.Standing(ctx); err != nil { // after all waiting
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
	if err := g.pace.wait(ctx); err != nil {
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

package extract

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

// An asker sends a request and returns its answer. Each layer adds one concern
// to the next: retrying, then authorised, then paced, then the API.
type asker interface {
	ask(ctx context.Context, r dexcom.Request) (dexcom.Answer, error)
}

// authorised gets the access token for a target. A token that is refused is
// renewed once and the request repeated once.
type authorised struct {
	next   func(ctx context.Context, token string, r dexcom.Request) (dexcom.Answer, error)
	tokens Tokens
	target Target

	standing func(context.Context) error // a withdrawal, or nil
	open     func(context.Context) error // returns when the app takes requests
}

func (a authorised) ask(ctx context.Context, r dexcom.Request) (dexcom.Answer, error) {
	token, err := a.tokens.Token(ctx, a.target.ConnectionID)
	if err != nil {
		return dexcom.Answer{}, a.failed(ctx, err)
	}
	answer, err := a.next(ctx, token, r)
	var status *dexcom.StatusError
	if !errors.As(err, &status) || status.Code != http.StatusUnauthorized {
		return answer, err
	}
	if err := a.open(ctx); err != nil {
		return dexcom.Answer{}, err
	}
	if token, err = a.tokens.Renew(ctx, a.target.ConnectionID, token); err != nil {
		return dexcom.Answer{}, a.failed(ctx, err)
	}
	return a.next(ctx, token, r)
}

func (a authorised) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var busy *state.BusyError
	var clock *ClockError
	var damage *state.DamageError
	if errors.Is(err, syscall.ENOSPC) || errors.As(err, &busy) || errors.As(err, &clock) || errors.As(err, &damage) {
		return fatalError{err} // it is everybody's, and no token may be spent
	}
	if withdrawal := a.standing(ctx); withdrawal != nil {
		return withdrawal // which destroyed the tokens
	}
	return &TokenError{a.target.ParticipantID, err}
}

// An app is one registration with the API, in one region: its client, its pace
// and its places for calls at a time.
type app struct {
	client API
	outage *outage
	pace   *pace
	turns  *turns
	quota  *Quota
	looks  atomic.Int64 // calls that only looked whether the API answers
}

// open returns when requests of the app make sense: it can be reached, and is not
// paused. Waited reports whether there was an outage. No token is asked for before.
func (a *app) open(ctx context.Context) (waited bool, err error) {
	if waited, err = a.outage.wait(ctx); err != nil {
		return waited, err
	}
	return waited, a.pace.open(ctx)
}

// call sends r when it is its turn. Refusals as too many slow the whole app
// down; r is repeated until it is taken. Each time it is sent, begun is called.
func (a *app) call(ctx context.Context, p *participant, token string, r dexcom.Request, begun func()) (dexcom.Answer, error) {
	for {
		answer, sent, err := a.once(ctx, p, token, r, begun)
		limit := tooMany(err)
		if limit == nil {
			if err == nil {
				a.pace.accepted()
			}
			return answer, err
		}
		if err := a.pace.refused(ctx, sent, limit.RetryAfter, limit); err != nil {
			return dexcom.Answer{}, err
		}
	}
}

// tooMany returns err as a refusal of a call as one too many, else nil.
func tooMany(err error) *dexcom.StatusError {
	var status *dexcom.StatusError
	if errors.As(err, &status) && status.Code == http.StatusTooManyRequests {
		return status
	}
	return nil
}

// once sends r once and returns when it was sent.
func (a *app) once(ctx context.Context, p *participant, token string, r dexcom.Request, begun func()) (dexcom.Answer, time.Time, error) {
	id := p.report.ParticipantID
	if err := a.turns.take(ctx, id); err != nil {
		return dexcom.Answer{}, time.Time{}, err
	}
	defer a.turns.give(id)
	if err := a.quota.check(); err != nil { // nothing is waited for that may not be sent
		return dexcom.Answer{}, time.Time{}, err
	}
	if _, err := a.outage.wait(ctx); err != nil { // one may have begun since open
		return dexcom.Answer{}, time.Time{}, err
	}
	if err := a.pace.wait(ctx); err != nil {
		return dexcom.Answer{}, time.Time{}, err
	}
	if err := p.standing(ctx); err != nil { // after all waiting
		return dexcom.Answer{}, time.Time{}, err
	}
	if err := a.quota.Take(); err != nil {
		return dexcom.Answer{}, time.Time{}, err
	}
	p.count(Counts{Calls: 1})
	begun()
	sent := time.Now()
	ctx, cancel := outlasting(ctx)
	defer cancel()
	answer, err := a.client.Do(ctx, token, r)
	return answer, sent, err
}

// look asks the API for nobody's data, and returns why no answer came: nil if one
// did, whatever it said. The error is why no call may be made.
func (a *app) look(ctx context.Context) (unreached, err error) {
	if err := a.pace.wait(ctx); err != nil {
		return nil, err
	}
	if err := a.quota.Take(); err != nil {
		return nil, err
	}
	a.looks.Add(1)
	_, unreached = a.client.Probe(ctx)
	if gotAnswer(unreached) {
		return nil, nil
	}
	return unreached, ctx.Err()
}

package extract

import (
	"context"
	"errors"
	"net/http"
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
	var damage *state.DamageError
	if errors.Is(err, syscall.ENOSPC) || errors.As(err, &busy) || errors.As(err, &damage) {
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
	reach  *reach
	pace   *pace
	turns  *turns
	quota  *Quota
}

// call sends r when it is its turn. Refusals as too many slow the whole app
// down; r is repeated until it is taken. Each time it is sent, begun is called.
func (a *app) call(ctx context.Context, p *participant, token string, r dexcom.Request, begun func()) (dexcom.Answer, error) {
	for {
		answer, sent, err := a.once(ctx, p, token, r, begun)
		var status *dexcom.StatusError
		if !errors.As(err, &status) || status.Code != http.StatusTooManyRequests {
			if err == nil {
				a.pace.accepted()
			}
			return answer, err
		}
		if err := a.pace.refused(sent, status.RetryAfter, status); err != nil {
			return dexcom.Answer{}, err
		}
	}
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
	a.reach.came(err)
	return answer, sent, err
}

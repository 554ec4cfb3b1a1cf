package call

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

// API answers requests. *dexcom.Client is one. Probe asks for nobody's data, to
// see whether the API can be reached: any answer will do.
type API interface {
	Do(ctx context.Context, accessToken string, r dexcom.Request) (dexcom.Answer, error)
	Probe(ctx context.Context) (server time.Time, err error)
}

// Tokens hands out access tokens. Renew is told which one the API refused.
type Tokens interface {
	Token(ctx context.Context, connectionID string) (string, error)
	Renew(ctx context.Context, connectionID, rejected string) (string, error)
}

// A Doer sends a request and returns its answer. Each layer adds one concern to the
// next: retrying, then authorised, then the gate of the app, then the API.
type Doer interface {
	Do(ctx context.Context, r dexcom.Request) (dexcom.Answer, error)
}

// A Line is what one participant's requests go through.
type Line struct {
	Gate          *Gate
	Tokens        Tokens
	ParticipantID string
	ConnectionID  string

	MayAsk func(context.Context) error // asked before each request: a withdrawal, or what ends the run; nil: go on
	Judge  func(error) *TokenError     // says what an error of Tokens means
	Sent   func()                      // told of each request when it is sent
}

// Do sends a request, as often as it takes.
func (l Line) Do(ctx context.Context, r dexcom.Request) (dexcom.Answer, error) {
	return retrying{authorised{l}, l}.Do(ctx, r)
}

// authorised gets the access token, and another one where that is refused.
type authorised struct{ line Line }

func (a authorised) Do(ctx context.Context, r dexcom.Request) (dexcom.Answer, error) {
	token, err := a.line.Tokens.Token(ctx, a.line.ConnectionID)
	if err != nil {
		return dexcom.Answer{}, a.failed(ctx, err)
	}
	return dexcom.Renewing(token, func(token string) (dexcom.Answer, error) {
		return a.line.Gate.send(ctx, a.line, token, r)
	}, func(rejected string) (string, error) {
		if _, err := a.line.Gate.open(ctx); err != nil {
			return "", err
		}
		token, err := a.line.Tokens.Renew(ctx, a.line.ConnectionID, rejected)
		if err != nil {
			return "", a.failed(ctx, err)
		}
		return token, nil
	})
}

func (a authorised) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO) || Is[*state.BusyError](err) || Is[*ClockError](err) || Is[*state.DamageError](err) {
		return FatalError{err} // it is everybody's, and no token may be spent
	}
	if withdrawal := a.line.MayAsk(ctx); withdrawal != nil {
		return withdrawal // which destroyed the tokens
	}
	return a.line.Judge(err)
}

package extract

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

// A ClockError says that our clock is more than a day off the server's. Nothing
// is fetched then: the log would date its answers wrong.
type ClockError struct {
	Ours, Server time.Time
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("this computer's clock says %s, the server says %s: set the clock, then run again",
		e.Ours.UTC().Format(time.RFC3339), e.Server.UTC().Format(time.RFC3339))
}

// A CallError is an error about one resource of a participant.
type CallError struct {
	Call Call // without a window for dataRange
	Err  error
}

func (e *CallError) Error() string { return e.Call.String() + ": " + e.Err.Error() }

// Unwrap returns what went wrong with the call.
func (e *CallError) Unwrap() error { return e.Err }

// A TokenError says that no access token could be had for a participant. The
// cause is the token source's.
type TokenError struct {
	ParticipantID string
	Err           error
}

func (e *TokenError) Error() string { return "access token: " + e.Err.Error() }

// Unwrap returns the token source's error.
func (e *TokenError) Unwrap() error { return e.Err }

// A LimitError says that the API refused calls as too many for so long that we
// gave up for now.
type LimitError struct {
	App string
	Err error // the last refusal
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("app %s: the API keeps refusing calls as too many, come back later: %v", e.App, e.Err)
}

// Unwrap returns the last refusal.
func (e *LimitError) Unwrap() error { return e.Err }

// A fatalError ends the whole run.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

// transient reports whether the same request may succeed later in this run.
func transient(err error) bool {
	var status *dexcom.StatusError
	var fatal fatalError
	switch {
	case err == nil, errors.As(err, &fatal), errors.Is(err, errClaimLost), isWithdrawn(err), isOtherAccount(err), isToken(err) && !transientToken(err):
		return false
	case errors.As(err, &status):
		return status.Temporary()
	}
	return true // a body that is no answer, or the transport's
}

// transientToken reports whether nothing but the network or a server kept err's
// token from us: in a refresh, or when the account was looked at on first use.
func transientToken(err error) bool {
	var temporary *consent.TemporaryError
	var unchecked *consent.UncheckedError
	var wrongClient *consent.WrongClientError
	switch {
	case consentMissing(err), refreshStopped(err), errors.As(err, &wrongClient):
		return false
	}
	return errors.As(err, &temporary) || errors.As(err, &unchecked)
}

// passing reports whether err says nothing about the participant: another run
// may well succeed.
func passing(err error) bool {
	return transient(err) || isLimit(err) || refreshStopped(err)
}

func refreshStopped(err error) bool {
	var stopped *consent.RefreshStoppedError
	return errors.As(err, &stopped)
}

func isWithdrawn(err error) bool {
	var withdrawn *state.WithdrawnError
	return errors.As(err, &withdrawn)
}

func isToken(err error) bool {
	var token *TokenError
	return errors.As(err, &token)
}

func isLimit(err error) bool {
	var limit *LimitError
	return errors.As(err, &limit)
}

// stops reports whether err makes further calls for the participant useless.
func stops(err error) bool {
	var status *dexcom.StatusError
	if errors.As(err, &status) && (status.Code == http.StatusUnauthorized || status.Code == http.StatusForbidden) {
		return true
	}
	return isToken(err) || isLimit(err) || isWithdrawn(err) || isOtherAccount(err)
}

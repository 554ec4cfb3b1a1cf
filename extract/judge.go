package extract

import (
	"errors"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
)

// judge says what an error of the token source means for a participant's requests.
func (p *participant) judge(err error) *call.TokenError {
	e := &call.TokenError{ParticipantID: p.report.ParticipantID, Err: err, Passes: tokenPasses(err), Unanswered: tokenUnanswered(err)}
	if temporary := (*consent.TemporaryError)(nil); errors.As(err, &temporary) {
		e.RetryAt = temporary.RetryAt
	}
	return e
}

// tokenPasses reports whether nothing but the network or a server kept the token from
// us: in a refresh, or when the account was looked at on first use.
func tokenPasses(err error) bool {
	var temporary *consent.TemporaryError
	var unchecked *consent.UncheckedError
	var status *dexcom.StatusError
	var wrongClient *consent.WrongClientError
	switch {
	case consentMissing(err), errors.As(err, &wrongClient):
		return false
	case refreshStopped(err):
		return tokenUnanswered(err) // by an outage, which passes
	case errors.As(err, &unchecked) && errors.As(err, &status):
		return status.Temporary()
	}
	return errors.As(err, &temporary) || errors.As(err, &unchecked)
}

// tokenUnanswered reports whether err is about a refresh that brought no answer,
// or that no refresh is tried any more because of one.
func tokenUnanswered(err error) bool {
	var refresh *consent.TemporaryError
	return errors.As(err, &refresh) && refresh.Err != nil
}

// consentMissing reports whether only the participant can help.
func consentMissing(err error) bool {
	var needs *consent.NeedsReconsentError
	var suspect *consent.AuthSuspectError
	var exported *consent.ExportedError
	return errors.Is(err, errNoConnection) || errors.As(err, &needs) || errors.As(err, &suspect) || errors.As(err, &exported)
}

// passing reports whether err says nothing about the participant: another run
// may well succeed.
func passing(err error) bool {
	return !errors.Is(err, errClaimLost) && call.Transient(err) || call.AppOver(err) != nil || refreshStopped(err)
}

func refreshStopped(err error) bool {
	var stopped *consent.RefreshStoppedError
	return errors.As(err, &stopped)
}

// stops reports whether err makes further calls to the connection useless, for
// whatever resource.
func stops(err error) bool {
	return call.IsToken(err) || call.AppOver(err) != nil || call.IsOtherAccount(err)
}

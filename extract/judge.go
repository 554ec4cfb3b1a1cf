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
	if temporary, ok := errors.AsType[*consent.TemporaryError](err); ok {
		e.RetryAt = temporary.RetryAt
	}
	return e
}

// tokenPasses reports whether nothing but the network or a server kept the token from
// us: in a refresh, or when the account was looked at on first use.
func tokenPasses(err error) bool {
	status, isStatus := errors.AsType[*dexcom.StatusError](err)
	switch unchecked := call.Is[*consent.UncheckedError](err); {
	case consentMissing(err), call.Is[*consent.WrongClientError](err):
		return false
	case call.Is[*consent.RefreshStoppedError](err):
		return tokenUnanswered(err) // by an outage, which passes
	case unchecked && isStatus:
		return status.Temporary()
	default:
		return unchecked || call.Is[*consent.TemporaryError](err)
	}
}

// tokenUnanswered reports whether err is about a refresh that brought no answer,
// or that no refresh is tried any more because of one.
func tokenUnanswered(err error) bool {
	refresh, ok := errors.AsType[*consent.TemporaryError](err)
	return ok && refresh.Err != nil
}

// consentMissing reports whether only the participant can help.
func consentMissing(err error) bool {
	return errors.Is(err, errNoConnection) || call.Is[*consent.NeedsReconsentError](err) ||
		call.Is[*consent.AuthSuspectError](err) || call.Is[*consent.ExportedError](err)
}

// passing reports whether err says nothing about the participant: another run
// may well succeed.
func passing(err error) bool {
	return !errors.Is(err, errClaimLost) && call.Transient(err) || call.AppOver(err) != nil || call.Is[*consent.RefreshStoppedError](err)
}

// stops reports whether err makes further calls to the connection useless, for
// whatever resource.
func stops(err error) bool {
	return call.Is[*call.TokenError](err) || call.AppOver(err) != nil || call.Is[*consent.OtherAccountError](err)
}

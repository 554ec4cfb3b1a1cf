package consent

import (
	"errors"

	"github.com/dexetl/dexetl/extract/cohort"
)

// An Ending says how it went when a browser came back: what its person is shown, what
// becomes of the participant's links, and what the operator is told go by it.
type Ending string

// The endings.
const (
	EndedConnected    Ending = "connected"
	EndedUnchecked    Ending = "unchecked"     // connected; whose account it is, is looked at on first use
	EndedAsked        Ending = "asked"         // not yet: another browser came back than the one that began
	EndedDenied       Ending = "denied"        // the person chose not to share
	EndedNotConfirmed Ending = "not_confirmed" // they said no, or nothing in time: what Dexcom sent is destroyed
	EndedWrongAccount Ending = "wrong_account" // somebody must find out whose account it is
	EndedRefused      Ending = "refused"       // a link or a sign-in that does not count
	EndedFailed       Ending = "failed"        // through no fault of the person's
)

// EndingOf is how a consent ended of which Finish, Arrive, Answer or Question returned
// this.
func EndingOf(found Found, err error) Ending {
	switch {
	case as[*AccountInUseError](err), as[*OtherAccountError](err), as[*OwnerError](err):
		return EndedWrongAccount
	case as[*UncheckedError](err):
		return EndedUnchecked
	case err == nil, found.Connection.ID != "":
		return EndedConnected
	case as[*AskError](err):
		return EndedAsked
	case as[*NotConfirmedError](err):
		return EndedNotConfirmed
	case as[*StateError](err), as[*cohort.WithdrawnError](err):
		return EndedRefused
	case as[*DeniedError](err):
		return EndedDenied
	}
	return EndedFailed
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

package page

import (
	"errors"
	"net/url"

	"github.com/dexetl/dexetl/extract/consent"
)

// An outcome is what a program is told in the address to which the browser goes back: how
// it went, in words that clients of Vital know. It says of the person no more than our own
// pages do.
type outcome struct{ kind, words string } // of an error; zero: connected

// outcomeOf is that of an ending, with the error it came with.
func outcomeOf(ended consent.Ending, err error) outcome {
	switch ended {
	case consent.EndedConnected, consent.EndedUnchecked:
		return outcome{}
	case consent.EndedDenied, consent.EndedNotConfirmed:
		return outcome{"required_scopes_not_granted", "the person chose not to share"}
	case consent.EndedWrongAccount:
		return outcome{"duplicate_connection", "the study team has to find out whose account it is"}
	case consent.EndedRefused:
		return outcomeOfState(err)
	}
	return outcome{"provider_api_error", "it did not work; try again later"}
}

func outcomeOfState(err error) outcome {
	if state, ok := errors.AsType[*consent.StateError](err); ok {
		switch state.Reason {
		case consent.StateUsed:
			return outcome{"token_consumed", "the link has done its work"}
		case consent.StateExpired:
			return outcome{"token_expired", "the link has expired"}
		}
	}
	return outcome{"invalid_token", "the link does not work"}
}

// outcomeOfLink is that of a link that is refused.
func outcomeOfLink(err *consent.LinkError) outcome {
	switch err.Reason {
	case consent.LinkUsed:
		return outcome{"token_consumed", "the link has done its work"}
	case consent.LinkExpired:
		return outcome{"token_expired", "the link has expired"}
	}
	return outcome{"invalid_token", "the link does not work"}
}

// back is the address at which a program waits for the browser, with the outcome; false:
// none does, or not at an address that is listed.
func (s *site) back(returnTo string, o outcome) (address string, ok bool) {
	if returnTo == "" || s.MayReturn == nil || !s.MayReturn(returnTo) {
		return "", false
	}
	u, err := url.Parse(returnTo)
	if err != nil {
		return "", false
	}
	q := u.Query()
	for _, name := range []string{"state", "error_type", "error"} {
		q.Del(name)
	}
	if o == (outcome{}) {
		q.Set("state", "success")
	} else {
		q.Set("state", "error")
		q.Set("error_type", o.kind)
		q.Set("error", o.words)
	}
	u.RawQuery = q.Encode()
	return u.String(), true
}

package page

import (
	"errors"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

// A Kind is what happened.
type Kind string

// The kinds of events.
const (
	Opened       Kind = "opened"         // a link was opened
	SentToDexcom Kind = "sent_to_dexcom" // the button was pressed
	Connected    Kind = "connected"
	Denied       Kind = "denied"        // the person chose not to share
	WrongAccount Kind = "wrong_account" // somebody must find out whose account it is
	Refused      Kind = "refused"       // a link or a sign-in that does not count
	Failed       Kind = "failed"        // through no fault of the person's
)

// An Event is something that happened at the pages, for the operator. It holds
// no token, no code and no link.
type Event struct {
	Kind          Kind
	ParticipantID string        // "" where nobody can know
	Found         consent.Found // of Connected
	Err           error         // why, or what else went wrong; may be nil
}

func (s *site) tell(e Event) {
	if s.Events != nil {
		s.Events(e)
	}
}

// participantOf finds out whose consent came back.
func participantOf(found consent.Found, err error) string {
	if found.Connection.ParticipantID != "" {
		return found.Connection.ParticipantID
	}
	if e, ok := errors.AsType[*consent.DeniedError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.CodeError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.UncheckedError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*state.AccountInUseError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*state.OwnerError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*state.OtherAccountError](err); ok {
		return e.ParticipantID
	}
	return ""
}

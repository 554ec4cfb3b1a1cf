package page

import (
	"errors"

	"github.com/dexetl/dexetl/extract/consent"
)

// A Kind is what happened.
type Kind string

// The kinds of events.
const (
	Opened       Kind = "opened"         // a link was opened
	SentToDexcom Kind = "sent_to_dexcom" // the button was pressed
	Connected    Kind = "connected"
	Denied       Kind = "denied"        // the person chose not to share
	Asked        Kind = "asked"         // another browser came back than the one that began: its person is asked
	NotConfirmed Kind = "not_confirmed" // they said no, or nothing in time: what Dexcom sent is destroyed
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
	Untold        int           // how many like it there were since the last that was told
}

// tell tells the operator of e. What anybody can cause as often as they like is
// told once a second for each participant, and once for all whom nobody knows.
func (s *site) tell(e Event) {
	if s.Events == nil {
		return
	}
	if e.Kind == Opened || e.Kind == SentToDexcom || e.Kind == Refused || e.ParticipantID == "" {
		told, untold := s.lines.allow(string(e.Kind)+" "+e.ParticipantID, s.now())
		if !told {
			return
		}
		e.Untold = untold
	}
	s.Events(e)
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
	if e, ok := errors.AsType[*consent.AskError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.NotConfirmedError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.NoCallError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.UncheckedError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.AccountInUseError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.OwnerError](err); ok {
		return e.ParticipantID
	}
	if e, ok := errors.AsType[*consent.OtherAccountError](err); ok {
		return e.ParticipantID
	}
	return ""
}

package page

import (
	"github.com/dexetl/dexetl/extract/consent"
)

// A Kind is what happened.
type Kind string

// The kinds of events: what a person did, and how it ended.
const (
	Opened       Kind = "opened"         // a link was opened
	SentToDexcom Kind = "sent_to_dexcom" // the button was pressed

	Connected    = Kind(consent.EndedConnected) // also unchecked
	Denied       = Kind(consent.EndedDenied)
	Asked        = Kind(consent.EndedAsked)
	NotConfirmed = Kind(consent.EndedNotConfirmed)
	WrongAccount = Kind(consent.EndedWrongAccount)
	Refused      = Kind(consent.EndedRefused)
	Failed       = Kind(consent.EndedFailed)
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

package study

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
)

// ErrBusyGrant says that a grant is being renewed at this moment, so that it could not be
// destroyed yet.
var ErrBusyGrant = errors.New("the access is being renewed at this moment: try again")

// A grant that is being renewed is waited for, so long and so often.
const (
	renewalWithin = 5 * time.Second
	renewalLook   = 100 * time.Millisecond
)

// Deregister ends a participant's connections and destroys their tokens. It returns how
// many there were. Their data stay, and so does their line of the roster.
func (s *Study) Deregister(ctx context.Context, id, because string) (ended int, err error) {
	all, err := s.Consents.Connections(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		if c.ParticipantID != id || c.Status == consent.Ended {
			continue
		}
		if err := s.closeSoon(ctx, c, because); err != nil {
			return ended, err
		}
		ended++
	}
	_, err = s.Store.Scrub(ctx) // what readers keep, the next run wipes
	return ended, err
}

// closeSoon closes a connection as soon as nobody renews it.
func (s *Study) closeSoon(ctx context.Context, c consent.Connection, because string) error {
	within, cancel := context.WithTimeout(ctx, renewalWithin)
	defer cancel()
	for {
		done, err := s.Consents.CloseIdle(ctx, c.ID, s.Now(), because)
		if done || err != nil {
			return err
		}
		select {
		case <-within.Done():
			return ErrBusyGrant
		case <-time.After(renewalLook):
		}
	}
}

// Package cohort keeps who takes part in a study, when, and what may be asked of
// them: the roster, analysis windows, exclusions and withdrawals, and how the last
// fetch of each participant went. They come from CSV files that people edit, so an
// import either takes the whole file or nothing, and names every bad line.
//
// Dates are kept as text and handed out as midnight UTC of that date; the zero
// time.Time is absence. Every change of the study is in the audit trail of the state,
// and Forgotten tells what the trail says of the study and state.db does not.
package cohort

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Cohort is the people of a study, in its state.
type Cohort struct{ Store *state.Store }

func (c *Cohort) now() time.Time { return c.Store.Now().UTC() }

// ErrClaimed says that another owner is at a participant.
var ErrClaimed = errors.New("claimed by somebody else")

// Claim lets owner fetch participants for ttl and says whom it may not, and why:
// ErrClaimed, or *WithdrawnError. The same owner claims again to extend. A claim ends
// with Unclaim, when its ttl has passed, or when the store through which it was made is
// closed or its process dies.
func (c *Cohort) Claim(ctx context.Context, participantIDs []string, owner string, ttl time.Duration) (refused map[string]error, err error) {
	refused = make(map[string]error)
	withdrawals, err := c.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range withdrawals {
		refused[w.ParticipantID] = &WithdrawnError{w.ParticipantID, w.EffectiveAt}
	}
	standing := slices.DeleteFunc(slices.Clone(participantIDs), func(id string) bool { return refused[id] != nil })
	taken, err := c.Store.TakeAll(ctx, claimsOf(standing), owner, ttl)
	for i, id := range standing {
		if err == nil && !taken[i] {
			refused[id] = ErrClaimed
		}
	}
	return refused, err
}

// Unclaim ends owner's claims; where it holds none, nothing happens.
func (c *Cohort) Unclaim(ctx context.Context, participantIDs []string, owner string) error {
	return c.Store.ReleaseAll(ctx, claimsOf(participantIDs), owner)
}

// claimsOf are the names of the leases that claims are.
func claimsOf(participantIDs []string) []string {
	names := make([]string, len(participantIDs))
	for i, id := range participantIDs {
		names[i] = "participant " + id
	}
	return names
}

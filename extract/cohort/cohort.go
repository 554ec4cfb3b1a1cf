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
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Cohort is the people of a study, in its state.
type Cohort struct{ Store *state.Store }

func (c *Cohort) now() time.Time { return c.Store.Now().UTC() }

// Claim lets owner fetch a participant for ttl and reports whether it may:
// false means that somebody else is at it. The same owner claims again to
// extend. A claim ends with Unclaim, when its ttl has passed, or when the store
// through which it was made is closed or its process dies. Of a participant who
// has withdrawn there are none: *WithdrawnError.
func (c *Cohort) Claim(ctx context.Context, participantID, owner string, ttl time.Duration) (bool, error) {
	if err := c.Standing(ctx, participantID); err != nil {
		return false, err
	}
	return c.claim(participantID, owner).Take(ctx, ttl)
}

// Unclaim ends owner's claim; if it holds none, nothing happens.
func (c *Cohort) Unclaim(ctx context.Context, participantID, owner string) error {
	return c.claim(participantID, owner).Release(ctx)
}

func (c *Cohort) claim(participantID, owner string) state.Lease {
	return c.Store.Lease("participant "+participantID, owner)
}

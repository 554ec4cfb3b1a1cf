package extract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/plan"
)

const (
	claimTTL   = 10 * time.Minute
	claimRenew = 3 * time.Minute

	// claimedTogether are claimed, and given back, at once in a sync: most participants
	// take less time than that does. Else one, so that other processes can have the rest.
	claimedTogether = 64
)

// errClaimLost is the error of a participant that another process took over,
// because this one was held up for longer than a claim lasts.
var errClaimLost = errors.New("another process took the participant over")

// claims are those of a run.
type claims struct {
	of       Claims // nil: no other process fetches
	owner    string
	together int

	mu   sync.Mutex
	held map[string]context.CancelCauseFunc // by participant; nil: not begun
	lost map[string]error                   // why
	done []string                           // of held, to be given back
}

func (r *runner) newClaims() *claims {
	c := &claims{of: r.fetcher.Claims, owner: r.run.ID, together: 1, held: map[string]context.CancelCauseFunc{}, lost: map[string]error{}}
	if r.run.Mode == plan.Sync {
		c.together = claimedTogether
	}
	return c
}

// take claims participants and says of whom it has no claim, and why.
func (c *claims) take(ctx context.Context, ids []string) (refused map[string]error, err error) {
	if c.of == nil || len(ids) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	refused, err = c.of.Claim(ctx, ids, c.owner, claimTTL)
	if err != nil {
		return nil, fmt.Errorf("claim participants %s to %s: %w", ids[0], ids[len(ids)-1], err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if refused[id] == nil {
			c.held[id] = nil
		}
	}
	return refused, nil
}

// begin returns the context in which a participant is fetched: it ends when the claim is
// lost, which is its cause.
func (c *claims) begin(ctx context.Context, id string) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if why := c.lost[id]; why != nil {
		cancel(why)
	} else if c.of != nil {
		c.held[id] = cancel
	}
	return ctx, cancel
}

// lostBy is why a claim of begin was lost; nil: it was not.
func (c *claims) lostBy(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost[id]
}

// keep renews the claims until ctx ends.
func (c *claims) keep(ctx context.Context) error {
	for c.of != nil && call.Sleep(ctx, claimRenew) == nil {
		if err := c.renew(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("renew claims: %w", err)
		}
	}
	return nil
}

func (c *claims) renew(ctx context.Context) error {
	ids := c.all()
	if len(ids) == 0 {
		return nil
	}
	refused, err := c.of.Claim(ctx, ids, c.owner, claimTTL)
	if err == nil && ctx.Err() == nil {
		c.lose(refused)
	}
	left := c.all()
	gone := slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(left, id) })
	return errors.Join(err, c.giveBack(ctx, gone)) // that of who was given back meanwhile was made anew
}

// all are the participants whose claims are held.
func (c *claims) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.held))
}

// lose ends what is under way for those who cannot be claimed again.
func (c *claims) lose(refused map[string]error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, why := range refused {
		cancel, held := c.held[id]
		if !held {
			continue // given back meanwhile
		}
		c.lost[id] = why
		if delete(c.held, id); cancel != nil {
			cancel(why)
		}
	}
}

// end gives the claim of a participant back, together with others.
func (c *claims) end(ctx context.Context, id string) error {
	c.mu.Lock()
	if _, held := c.held[id]; held {
		c.done = append(c.done, id)
	}
	var ids []string
	if len(c.done) >= c.together {
		ids, c.done = c.done, nil
	}
	c.mu.Unlock()
	return c.giveBack(ctx, ids)
}

// endAll gives back all that are left.
func (c *claims) endAll(ctx context.Context) error { return c.giveBack(ctx, c.all()) }

// giveBack does so even when the run is interrupted. They are not held from before on,
// so that renew knows.
func (c *claims) giveBack(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	c.mu.Lock()
	for _, id := range ids {
		delete(c.held, id)
	}
	c.mu.Unlock()
	if err := c.of.Unclaim(context.WithoutCancel(ctx), ids, c.owner); err != nil {
		return fmt.Errorf("unclaim participants: %w", err)
	}
	return nil
}

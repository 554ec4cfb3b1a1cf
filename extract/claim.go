package extract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
)

const (
	claimTTL   = 10 * time.Minute
	claimRenew = 3 * time.Minute
)

// claimed fetches while it keeps the claim alive.
func (p *participant) claimed(ctx context.Context, targets []Target) (err error) {
	id := p.report.ParticipantID
	defer func() {
		// The claim is given back even when the run is interrupted.
		if e := p.runner.fetcher.Claims.Unclaim(context.WithoutCancel(ctx), id, p.runner.run.ID); e != nil && err == nil {
			err = fmt.Errorf("unclaim participant %s: %w", id, e)
		}
	}()
	group, groupCtx := errgroup.WithContext(ctx)
	fetching, done := context.WithCancel(groupCtx)
	group.Go(func() error {
		defer done()
		return p.fetchTargets(groupCtx, targets)
	})
	group.Go(func() error { return p.keepClaim(fetching) })
	switch err := group.Wait(); {
	case call.Is[*cohort.WithdrawnError](err):
		p.withdrew()
	case errors.Is(err, errClaimLost):
		p.fail(errClaimLost)
	default:
		return err
	}
	return nil
}

// errClaimLost is the error of a participant that another process took over,
// because this one was held up for longer than a claim lasts.
var errClaimLost = errors.New("another process took the participant over")

// keepClaim renews the claim until ctx ends.
func (p *participant) keepClaim(ctx context.Context) error {
	for call.Sleep(ctx, claimRenew) == nil {
		ok, err := p.runner.fetcher.Claims.Claim(ctx, p.report.ParticipantID, p.runner.run.ID, claimTTL)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return fmt.Errorf("claim participant %s: %w", p.report.ParticipantID, err)
		case !ok:
			return errClaimLost
		}
	}
	return nil
}

package consent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

const (
	// margin before the end of an access token at which it is renewed, unless
	// its whole life is short.
	margin = 5 * time.Minute
	// firstWait is how long a refresh that failed is not tried again.
	firstWait = 2 * time.Second
	// leaseTTL outlives a POST and its commits.
	leaseTTL = 2*postTimeout + 30*time.Second
)

// Tokens keeps tokens and refreshes them, in the order of the package comment.
type Tokens struct {
	base
	tally  tally
	opened sync.Map // opened by connection
}

// held is what the store holds of a connection, unsealed.
type held struct {
	Connection
	SealedTokens
	pair
}

// held returns what can be used, *NeedsReconsentError if nothing can.
func (ts *Tokens) held(ctx context.Context, id string) (held, error) {
	sealed, err := ts.register.sealed(ctx, id)
	if err != nil {
		return held{}, err
	}
	return ts.usable(ctx, sealed)
}

// usable is held of what the store has.
func (ts *Tokens) usable(ctx context.Context, sealed held) (held, error) {
	h, err := ts.unseal(ctx, sealed)
	switch h.Status {
	case Exported:
		return held{}, &ExportedError{h.ParticipantID}
	case Ended, NeedsReconsent:
		return held{}, ts.over(ctx, h.Connection)
	}
	return h, err
}

// over says why a connection that is over, or whose grant is no longer accepted,
// cannot be used: perhaps because the grant was set aside.
func (ts *Tokens) over(ctx context.Context, c Connection) error {
	if c.Status == NeedsReconsent {
		aside, err := ts.register.strayOf(ctx, c)
		if err == nil {
			return &OtherAccountError{ParticipantID: c.ParticipantID, ConnectionID: aside.ID, Answered: true}
		}
		if !errors.Is(err, ErrNoConnection) {
			return err
		}
	}
	return &NeedsReconsentError{ParticipantID: c.ParticipantID, Said: c.RefusedSaid}
}

func (ts *Tokens) read(ctx context.Context, id string) (held, error) {
	sealed, err := ts.register.sealed(ctx, id)
	if err != nil {
		return held{}, err
	}
	return ts.unseal(ctx, sealed)
}

// unseal opens what the store has; the error is that of open, or ErrNoConnection if
// there are no tokens. Of what cannot be used only the connection is returned, and
// that it cannot is noted with it.
func (ts *Tokens) unseal(ctx context.Context, sealed held) (held, error) {
	c, t := sealed.Connection, sealed.SealedTokens
	if t.ConnectionID == "" {
		return held{Connection: c}, noTokens(c.ID)
	}
	p, err := ts.open(c, t)
	switch {
	case as[*OwnerError](err):
		return held{Connection: c}, errors.Join(err, ts.register.noteOwner(ctx, c.ID))
	case err != nil:
		return held{Connection: c}, errors.Join(err, ts.register.noteDamage(ctx, c.ID))
	case c.LastError == NotOwned, c.LastError == TokensDamaged:
		c.LastError = ""
		if err := ts.register.noteMended(ctx, c.ID); err != nil {
			return held{Connection: c}, err
		}
	}
	return held{c, t, p}, nil
}

// good reports whether the access token can be used at now.
func (h held) good(now time.Time, rejected string) bool {
	early := min(margin, h.AccessExpiresAt.Sub(h.AccessIssuedAt)/5)
	return h.Access != "" && h.Access != rejected && now.Before(h.AccessExpiresAt.Add(-early))
}

// fresh returns what is held once its access token is good.
func (ts *Tokens) fresh(ctx context.Context, id, rejected string) (held, error) {
	sealed, err := ts.register.sealed(ctx, id)
	if err != nil {
		return held{}, err
	}
	return ts.freshen(ctx, sealed, rejected)
}

// freshen is fresh of what the store has.
func (ts *Tokens) freshen(ctx context.Context, sealed held, rejected string) (held, error) {
	h, err := ts.usable(ctx, sealed)
	if err != nil || h.good(ts.register.now(), rejected) {
		return h, err
	}
	// What needs no lease to be known need not wait for one.
	if err := ts.mayRefresh(h); err != nil {
		return held{}, err
	}
	for {
		out, err := ts.refreshLeased(ctx, h, rejected)
		if !errors.Is(err, state.ErrLeaseLost) {
			return out, err
		}
		// We stood still for so long that somebody took over: what they got is ours.
	}
}

func (ts *Tokens) refreshLeased(ctx context.Context, h held, rejected string) (held, error) {
	lease := ts.register.refreshing(h.Connection.ID, ts.register.Store.NewID())
	if err := await(ctx, lease); err != nil {
		return held{}, fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	defer ts.release(ctx, h.Connection.ID, lease)
	return ts.refresh(ctx, h.Connection.ID, lease, rejected)
}

// refresh does steps 2 to 7 of the package comment, the lease being held.
// From the intent on it does not stop for ctx.
func (ts *Tokens) refresh(ctx context.Context, id string, lease state.Lease, rejected string) (held, error) {
	if err := ts.finish(ctx, id); err != nil {
		return held{}, err
	}
	h, err := ts.held(ctx, id)
	if err != nil || h.good(ts.register.now(), rejected) {
		return h, err
	}
	if err := ts.mayRefresh(h); err != nil {
		return held{}, err
	}
	app, err := ts.client.app(h.Region)
	if err != nil {
		return held{}, err
	}
	if err := ctx.Err(); err != nil {
		return held{}, err
	}
	if err := ts.client.quota(); err != nil {
		return held{}, err
	}
	ts.client.reached("refresh.leased")
	ctx = context.WithoutCancel(ctx)
	if err := ts.beginRefresh(ctx, id, lease, h.RefreshHash); err != nil {
		return held{}, fmt.Errorf("participant %s: refresh not begun: %w", h.ParticipantID, err)
	}
	ts.client.reached("refresh.begun")
	mine := func() error { return lease.Extend(ctx, leaseTTL) }
	if err := ts.spend(ctx, app, h, mine); err != nil {
		return held{}, err
	}
	ts.client.reached("refresh.committed")
	return ts.held(ctx, id)
}

// mayRefresh says why h's token is not to be spent now, nil for nothing. A time to
// wait for that lies further off than any wait was set while our clock was wrong.
func (ts *Tokens) mayRefresh(h held) error {
	if err := ts.tally.stopped(h.Region); err != nil {
		return fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	left := h.RetryAt.Sub(ts.register.now())
	switch {
	case left <= 0 || left > longestWait():
		return nil
	case h.Status == AuthSuspect:
		return &AuthSuspectError{ParticipantID: h.ParticipantID, RetryAt: h.RetryAt, Said: h.RefusedSaid}
	default:
		return &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: h.RetryAt, Reason: h.LastError}
	}
}

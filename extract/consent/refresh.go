package consent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

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

// Token returns an access token of the connection, refreshed if it is about to
// end. Errors: *NeedsReconsentError, *AuthSuspectError, *ExportedError,
// *TemporaryError, *WrongClientError, *RefreshStoppedError, *SealError, *OwnerError; on first use of an imported
// grant also those of Verify, and *MovedError.
func (g *Grants) Token(ctx context.Context, connectionID string) (string, error) {
	c, err := g.Register.Connection(ctx, connectionID)
	if err != nil {
		return "", err
	}
	if c.Aside && g.Change == nil {
		return "", &OtherAccountError{ParticipantID: c.ParticipantID, ConnectionID: c.ID, Answered: !c.StrayedAt.IsZero()}
	}
	h, err := g.fresh(ctx, connectionID, "")
	if err != nil {
		return "", err
	}
	if h.AccountHash != "" {
		return h.Access, nil
	}
	found, err := g.Verify(ctx, connectionID)
	if err != nil {
		return "", err
	}
	if found.Connection.ID != connectionID {
		return "", &MovedError{h.ParticipantID, found.Connection.ID}
	}
	h, err = g.fresh(ctx, connectionID, "")
	return h.Access, err
}

// Renew returns another access token than rejected, which the API did not
// accept: the stored one if it is another already, else from a refresh. Its
// errors are Token's.
func (g *Grants) Renew(ctx context.Context, connectionID, rejected string) (string, error) {
	h, err := g.fresh(ctx, connectionID, rejected)
	return h.Access, err
}

// held is what the store holds of a connection, unsealed.
type held struct {
	Connection
	Tokens
	pair
}

// held returns what can be used, *NeedsReconsentError if nothing can.
func (g *Grants) held(ctx context.Context, id string) (held, error) {
	h, err := g.read(ctx, id)
	switch h.Status {
	case Exported:
		return held{}, &ExportedError{h.ParticipantID}
	case Ended, NeedsReconsent:
		return held{}, g.over(ctx, h.Connection)
	}
	return h, err
}

// over says why a connection that is over, or whose grant is no longer accepted,
// cannot be used: perhaps because the grant was set aside.
func (g *Grants) over(ctx context.Context, c Connection) error {
	if c.Status == NeedsReconsent {
		aside, err := g.Register.StrayOf(ctx, c)
		if err == nil {
			return &OtherAccountError{ParticipantID: c.ParticipantID, ConnectionID: aside.ID, Answered: true}
		}
		if !errors.Is(err, ErrNoConnection) {
			return err
		}
	}
	return &NeedsReconsentError{ParticipantID: c.ParticipantID, Said: c.RefusedSaid}
}

func (g *Grants) read(ctx context.Context, id string) (held, error) {
	c, err := g.Register.Connection(ctx, id)
	if err != nil {
		return held{}, err
	}
	t, err := g.Register.Tokens(ctx, id)
	if err != nil {
		return held{Connection: c}, err
	}
	p, err := g.open(c, t)
	switch {
	case as[*OwnerError](err):
		return held{Connection: c}, errors.Join(err, g.Register.NoteOwner(ctx, id))
	case err != nil:
		return held{Connection: c}, errors.Join(err, g.Register.NoteDamage(ctx, id))
	case c.LastError == NotOwned, c.LastError == TokensDamaged:
		c.LastError = ""
		if err := g.Register.NoteMended(ctx, id); err != nil {
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
func (g *Grants) fresh(ctx context.Context, id, rejected string) (held, error) {
	h, err := g.held(ctx, id)
	if err != nil || h.good(g.now(), rejected) {
		return h, err
	}
	// What needs no lease to be known need not wait for one.
	if err := g.mayRefresh(h); err != nil {
		return held{}, err
	}
	for {
		out, err := g.refreshLeased(ctx, h, rejected)
		if !errors.Is(err, state.ErrLeaseLost) {
			return out, err
		}
		// We stood still for so long that somebody took over: what they got is ours.
	}
}

func (g *Grants) refreshLeased(ctx context.Context, h held, rejected string) (held, error) {
	owner, err := g.lease(ctx, h.Connection.ID)
	if err != nil {
		return held{}, fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	defer g.release(ctx, h.Connection.ID, owner)
	return g.refresh(ctx, h.Connection.ID, owner, rejected)
}

// lease waits until nobody else refreshes the connection.
func (g *Grants) lease(ctx context.Context, id string) (owner string, err error) {
	owner = g.Register.Store.NewID()
	return owner, g.leaseAs(ctx, id, owner)
}

func (g *Grants) leaseAs(ctx context.Context, id, owner string) error {
	began, lease := time.Now(), g.Register.LeaseRefresh // not the store's clock: it may be set meanwhile
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if time.Since(began) > leaseTTL {
			lease = g.Register.TakeOverRefresh
		}
		ok, err := lease(ctx, id, owner, leaseTTL)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (g *Grants) release(ctx context.Context, id, owner string) {
	if err := g.Register.ReleaseRefresh(context.WithoutCancel(ctx), id, owner); err != nil {
		g.log().Warn("refresh lease not released", "connection_id", id, "error", err)
	}
}

// refresh does steps 2 to 7 of the package comment, the lease being owner's.
// From the intent on it does not stop for ctx.
func (g *Grants) refresh(ctx context.Context, id, owner, rejected string) (held, error) {
	if err := g.finish(ctx, id); err != nil {
		return held{}, err
	}
	h, err := g.held(ctx, id)
	if err != nil || h.good(g.now(), rejected) {
		return h, err
	}
	if err := g.mayRefresh(h); err != nil {
		return held{}, err
	}
	app, err := g.app(h.Region)
	if err != nil {
		return held{}, err
	}
	if err := ctx.Err(); err != nil {
		return held{}, err
	}
	if err := g.quota(); err != nil {
		return held{}, err
	}
	g.reached("refresh.leased")
	ctx = context.WithoutCancel(ctx)
	if err := g.Register.BeginRefresh(ctx, id, owner, h.RefreshHash, leaseTTL); err != nil {
		return held{}, fmt.Errorf("participant %s: refresh not begun: %w", h.ParticipantID, err)
	}
	g.reached("refresh.begun")
	mine := func() error { return g.Register.ExtendRefresh(ctx, id, owner, leaseTTL) }
	if err := g.spend(ctx, app, h, mine); err != nil {
		return held{}, err
	}
	g.reached("refresh.committed")
	return g.held(ctx, id)
}

// mayRefresh says why h's token is not to be spent now, nil for nothing. A time to
// wait for that lies further off than any wait was set while our clock was wrong.
func (g *Grants) mayRefresh(h held) error {
	if err := g.tally.stopped(h.Region); err != nil {
		return fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	left := h.RetryAt.Sub(g.now())
	switch {
	case left <= 0 || left > longestWait():
		return nil
	case h.Status == AuthSuspect:
		return &AuthSuspectError{ParticipantID: h.ParticipantID, RetryAt: h.RetryAt, Said: h.RefusedSaid}
	default:
		return &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: h.RetryAt, Reason: h.LastError}
	}
}

// spend posts h's refresh token, once, and keeps what comes back. Right before,
// mine says whether the lease is still held.
func (g *Grants) spend(ctx context.Context, app App, h held, mine func() error) error {
	a := TokenAnswer{ConnectionID: h.Connection.ID, ParticipantID: h.ParticipantID, Region: h.Region, OldHash: h.RefreshHash}
	got, err := g.post(ctx, app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.Refresh}}, mine)
	switch {
	case errors.Is(err, state.ErrLeaseLost):
		return fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	case as[*unsentError](err):
		return g.unsent(ctx, h, a, err)
	case err != nil:
		return g.failed(ctx, h, RefreshFailure{Answer: a, Outcome: "no answer: " + err.Error()}, 0, err)
	}
	g.reached("refresh.answered")
	a.HTTPStatus, a.ReceivedAt = got.status, g.now()
	kept, keepErr := g.keep(ctx, a, got.body)
	g.reached("refresh.kept")
	// Should keeping fail, the commit is the second chance to save the tokens.
	return errors.Join(g.use(ctx, h, kept, got), keepErr)
}

// keep seals and stores an answer of the token endpoint before it is parsed.
func (g *Grants) keep(ctx context.Context, a TokenAnswer, body []byte) (TokenAnswer, error) {
	sealed, err := g.Key.seal(body)
	if err != nil {
		return a, fmt.Errorf("participant %s: token answer: %w", a.ParticipantID, err)
	}
	a.Sealed = sealed
	stored, err := g.Register.PutAnswer(ctx, a)
	if err != nil {
		return a, fmt.Errorf("participant %s: token answer not stored: %w", a.ParticipantID, err)
	}
	return stored, nil
}

// use commits what answer a, to h's refresh token, brings.
func (g *Grants) use(ctx context.Context, h held, a TokenAnswer, got answered) error {
	r := readReply(got.body)
	if a.HTTPStatus == http.StatusOK && (r.Access != "" || r.Refresh != "") {
		if r.Refresh == "" {
			r.Refresh = h.Refresh // the server does not rotate
		}
		return g.commit(ctx, a, r)
	}
	failure := RefreshFailure{Answer: a, Outcome: r.outcome(a.HTTPStatus, g.secrets(h.Region, h.Access, h.Refresh)...)}
	off := g.clock(got.date)
	switch {
	case r.refuses(a.HTTPStatus) && off != nil: // nobody could know for how long
		return errors.Join(fmt.Errorf("participant %s: token refused (%s): %w", h.ParticipantID, failure.Outcome, off), g.Register.FailRefresh(ctx, failure))
	case r.code.ofApp() && !g.appAccepted(ctx, h.Region):
		wrong := &WrongClientError{Region: h.Region, Code: string(r.code), Said: failure.Outcome}
		g.tally.wrongClient(wrong)
		return errors.Join(wrong, g.Register.FailRefresh(ctx, failure))
	case r.refuses(a.HTTPStatus):
		return g.refused(ctx, h, failure, r.code)
	}
	failure.Unreadable = a.HTTPStatus == http.StatusOK && !r.failed
	return g.failed(ctx, h, failure, got.retryAfter, nil)
}

func (g *Grants) commit(ctx context.Context, a TokenAnswer, r reply) error {
	grant, err := g.grant(r.pair, a.ReceivedAt, r.lifetime)
	if err != nil {
		return fmt.Errorf("participant %s: %w", a.ParticipantID, err)
	}
	g.reached("refresh.parsed")
	if _, err := g.Register.CommitRefresh(ctx, a, grant); err != nil {
		return fmt.Errorf("participant %s: new tokens not committed: %w", a.ParticipantID, err)
	}
	g.tally.good(a.ConnectionID, a.Region, g.now())
	g.log().Debug("tokens refreshed", "participant_id", a.ParticipantID, "connection_id", a.ConnectionID)
	return nil
}

// failed records a refresh that brought nothing for a reason not the
// person's, and holds off: 2 s at first, twice as long each time, an hour at
// most.
func (g *Grants) failed(ctx context.Context, h held, f RefreshFailure, retryAfter time.Duration, cause error) error {
	wait := min(firstWait<<min(h.Failures, 20), time.Hour)
	f.RetryAt = g.now().Add(max(wait, retryAfter))
	out := &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Reason: f.Outcome, Err: cause}
	g.tally.bad(h, out)
	g.log().Debug("refresh failed", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "outcome", f.Outcome)
	return errors.Join(out, g.Register.FailRefresh(ctx, f))
}

// unsent records that h's refresh token never left. That is no try of it: nothing
// counts, and the next may come as soon as there is a connection again.
func (g *Grants) unsent(ctx context.Context, h held, a TokenAnswer, cause error) error {
	f := RefreshFailure{Answer: a, Outcome: "no connection: " + cause.Error(), Unsent: true, RetryAt: g.now().Add(firstWait)}
	g.log().Debug("refresh not sent", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "outcome", f.Outcome)
	out := &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Reason: f.Outcome, Err: cause}
	return errors.Join(out, g.Register.FailRefresh(ctx, f))
}

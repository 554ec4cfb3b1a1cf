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

// Tokens keeps tokens and refreshes them, in the order of the package comment.
type Tokens struct {
	register *Register
	key      *Key
	client   *Client
	tally    tally
}

// held is what the store holds of a connection, unsealed.
type held struct {
	Connection
	SealedTokens
	pair
}

// held returns what can be used, *NeedsReconsentError if nothing can.
func (ts *Tokens) held(ctx context.Context, id string) (held, error) {
	h, err := ts.read(ctx, id)
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
		aside, err := ts.register.StrayOf(ctx, c)
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
	c, err := ts.register.Connection(ctx, id)
	if err != nil {
		return held{}, err
	}
	t, err := ts.register.Tokens(ctx, id)
	if err != nil {
		return held{Connection: c}, err
	}
	p, err := ts.open(c, t)
	switch {
	case as[*OwnerError](err):
		return held{Connection: c}, errors.Join(err, ts.register.NoteOwner(ctx, id))
	case err != nil:
		return held{Connection: c}, errors.Join(err, ts.register.NoteDamage(ctx, id))
	case c.LastError == NotOwned, c.LastError == TokensDamaged:
		c.LastError = ""
		if err := ts.register.NoteMended(ctx, id); err != nil {
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
	h, err := ts.held(ctx, id)
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

// alone runs do while nobody else refreshes a connection, when what answered it is used.
// Right before, the lease is extended: had we stood still, a token might be on its way.
// Before comes ahead of the answers.
func (ts *Tokens) alone(ctx context.Context, id string, before, do func() error) error {
	lease := ts.register.refreshing(id, ts.register.Store.NewID())
	if err := await(ctx, lease); err != nil {
		return err
	}
	defer ts.release(ctx, id, lease)
	if err := before(); err != nil {
		return err
	}
	if err := ts.finish(ctx, id); err != nil {
		return err
	}
	if err := lease.Extend(ctx, leaseTTL); err != nil {
		return err
	}
	return do()
}

// await waits until nobody else refreshes the connection.
func await(ctx context.Context, lease state.Lease) error {
	began, take := time.Now(), lease.TakeFree // not the store's clock: it may be set meanwhile
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if time.Since(began) > leaseTTL {
			take = lease.Take
		}
		ok, err := take(ctx, leaseTTL)
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

func (ts *Tokens) release(ctx context.Context, id string, lease state.Lease) {
	if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
		ts.client.log().Warn("refresh lease not released", "connection_id", id, "error", err)
	}
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

// spend posts h's refresh token, once, and keeps what comes back. Right before,
// mine says whether the lease is still held.
func (ts *Tokens) spend(ctx context.Context, app App, h held, mine func() error) error {
	a := TokenAnswer{ConnectionID: h.Connection.ID, ParticipantID: h.ParticipantID, Region: h.Region, OldHash: h.RefreshHash}
	got, err := ts.client.post(ctx, app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.Refresh}}, mine)
	switch {
	case errors.Is(err, state.ErrLeaseLost):
		return fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	case as[*unsentError](err):
		return ts.unsent(ctx, h, a, err)
	case err != nil:
		return ts.failed(ctx, h, RefreshFailure{Answer: a, Outcome: "no answer: " + err.Error()}, 0, err)
	}
	ts.client.reached("refresh.answered")
	a.HTTPStatus, a.ReceivedAt = got.status, ts.register.now()
	kept, keepErr := ts.keep(ctx, a, got.body)
	ts.client.reached("refresh.kept")
	// Should keeping fail, the commit is the second chance to save the tokens.
	return errors.Join(ts.use(ctx, h, kept, got), keepErr)
}

// keep seals and stores an answer of the token endpoint before it is parsed.
func (ts *Tokens) keep(ctx context.Context, a TokenAnswer, body []byte) (TokenAnswer, error) {
	sealed, err := ts.key.seal(body)
	if err != nil {
		return a, fmt.Errorf("participant %s: token answer: %w", a.ParticipantID, err)
	}
	a.Sealed = sealed
	stored, err := ts.putAnswer(ctx, a)
	if err != nil {
		return a, fmt.Errorf("participant %s: token answer not stored: %w", a.ParticipantID, err)
	}
	return stored, nil
}

// use commits what answer a, to h's refresh token, brings.
func (ts *Tokens) use(ctx context.Context, h held, a TokenAnswer, got answered) error {
	r := readReply(got.body)
	if a.HTTPStatus == http.StatusOK && (r.Access != "" || r.Refresh != "") {
		if r.Refresh == "" {
			r.Refresh = h.Refresh // the server does not rotate
		}
		return ts.commit(ctx, a, r)
	}
	failure := RefreshFailure{Answer: a, Outcome: r.outcome(a.HTTPStatus, ts.client.secrets(h.Region, h.Access, h.Refresh)...)}
	off := ts.client.clock(got.date)
	switch {
	case r.refuses(a.HTTPStatus) && off != nil: // nobody could know for how long
		return errors.Join(fmt.Errorf("participant %s: token refused (%s): %w", h.ParticipantID, failure.Outcome, off), ts.failRefresh(ctx, failure))
	case r.code.ofApp() && !ts.appAccepted(ctx, h.Region):
		wrong := &WrongClientError{Region: h.Region, Code: string(r.code), Said: failure.Outcome}
		ts.tally.wrongClient(wrong)
		return errors.Join(wrong, ts.failRefresh(ctx, failure))
	case r.refuses(a.HTTPStatus):
		return ts.refused(ctx, h, failure, r.code)
	}
	failure.Unreadable = a.HTTPStatus == http.StatusOK && !r.failed
	return ts.failed(ctx, h, failure, got.retryAfter, nil)
}

func (ts *Tokens) commit(ctx context.Context, a TokenAnswer, r reply) error {
	grant, err := ts.key.grant(r.pair, a.ReceivedAt, r.lifetime)
	if err != nil {
		return fmt.Errorf("participant %s: %w", a.ParticipantID, err)
	}
	ts.client.reached("refresh.parsed")
	if _, err := ts.commitRefresh(ctx, a, grant); err != nil {
		return fmt.Errorf("participant %s: new tokens not committed: %w", a.ParticipantID, err)
	}
	ts.tally.good(a.ConnectionID, a.Region, ts.register.now())
	ts.client.log().Debug("tokens refreshed", "participant_id", a.ParticipantID, "connection_id", a.ConnectionID)
	return nil
}

// failed records a refresh that brought nothing for a reason not the
// person's, and holds off: 2 s at first, twice as long each time, an hour at
// most.
func (ts *Tokens) failed(ctx context.Context, h held, f RefreshFailure, retryAfter time.Duration, cause error) error {
	wait := min(firstWait<<min(h.Failures, 20), time.Hour)
	f.RetryAt = ts.register.now().Add(max(wait, retryAfter))
	out := &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Reason: f.Outcome, Err: cause}
	ts.tally.bad(h, out)
	ts.client.log().Debug("refresh failed", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "outcome", f.Outcome)
	return errors.Join(out, ts.failRefresh(ctx, f))
}

// unsent records that h's refresh token never left. That is no try of it: nothing
// counts, and the next may come as soon as there is a connection again.
func (ts *Tokens) unsent(ctx context.Context, h held, a TokenAnswer, cause error) error {
	f := RefreshFailure{Answer: a, Outcome: "no connection: " + cause.Error(), Unsent: true, RetryAt: ts.register.now().Add(firstWait)}
	ts.client.log().Debug("refresh not sent", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "outcome", f.Outcome)
	out := &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Reason: f.Outcome, Err: cause}
	return errors.Join(out, ts.failRefresh(ctx, f))
}

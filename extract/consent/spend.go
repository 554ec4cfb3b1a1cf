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

// spend posts h's refresh token, once, and keeps what comes back. Right before,
// mine says whether the lease is still held.
func (ts *Tokens) spend(ctx context.Context, app App, h held, mine func() error) error {
	a := tokenAnswer{ConnectionID: h.Connection.ID, ParticipantID: h.ParticipantID, Region: h.Region, OldHash: h.RefreshHash}
	got, err := ts.client.post(ctx, app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.Refresh}}, mine)
	switch {
	case errors.Is(err, state.ErrLeaseLost):
		return fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	case as[*unsentError](err):
		return ts.unsent(ctx, h, a, err)
	case err != nil:
		return ts.failed(ctx, h, refreshFailure{Answer: a, Outcome: "no answer: " + err.Error()}, 0, err)
	}
	ts.client.reached("refresh.answered")
	a.HTTPStatus, a.ReceivedAt = got.status, ts.register.now()
	kept, keepErr := ts.keep(ctx, a, got.body)
	ts.client.reached("refresh.kept")
	// Should keeping fail, the commit is the second chance to save the tokens.
	return errors.Join(ts.use(ctx, h, kept, got), keepErr)
}

// keep seals and stores an answer of the token endpoint before it is parsed.
func (ts *Tokens) keep(ctx context.Context, a tokenAnswer, body []byte) (tokenAnswer, error) {
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
func (ts *Tokens) use(ctx context.Context, h held, a tokenAnswer, got answered) error {
	r := readReply(got.body)
	if a.HTTPStatus == http.StatusOK && (r.Access != "" || r.Refresh != "") {
		if r.Refresh == "" {
			r.Refresh = h.Refresh // the server does not rotate
		}
		return ts.commit(ctx, a, r)
	}
	failure := refreshFailure{Answer: a, Outcome: r.outcome(a.HTTPStatus, ts.client.secrets(h.Region, h.Access, h.Refresh)...)}
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

func (ts *Tokens) commit(ctx context.Context, a tokenAnswer, r reply) error {
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
func (ts *Tokens) failed(ctx context.Context, h held, f refreshFailure, retryAfter time.Duration, cause error) error {
	wait := min(firstWait<<min(h.Failures, 20), time.Hour)
	f.RetryAt = ts.register.now().Add(max(wait, retryAfter))
	out := &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Reason: f.Outcome, Err: cause}
	ts.tally.bad(h, out)
	ts.client.log().Debug("refresh failed", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "outcome", f.Outcome)
	return errors.Join(out, ts.failRefresh(ctx, f))
}

// unsent records that h's refresh token never left. That is no try of it: nothing
// counts, and the next may come as soon as there is a connection again.
func (ts *Tokens) unsent(ctx context.Context, h held, a tokenAnswer, cause error) error {
	f := refreshFailure{Answer: a, Outcome: "no connection: " + cause.Error(), Unsent: true, RetryAt: ts.register.now().Add(firstWait)}
	ts.client.log().Debug("refresh not sent", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "outcome", f.Outcome)
	out := &TemporaryError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Reason: f.Outcome, Err: cause}
	return errors.Join(out, ts.failRefresh(ctx, f))
}

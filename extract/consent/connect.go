package consent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// stateLife is how long a consent link may be used.
const stateLife = time.Hour

// Begin begins the consent of a participant and returns the URL to open in a
// browser within the hour. Errors: *state.UnknownParticipantError, *NoAppError.
func (g *Grants) Begin(ctx context.Context, participantID string) (string, error) {
	address, _, err := g.begin(ctx, participantID, "")
	return address, err
}

// begun is a consent on its way.
type begun struct {
	app  App
	hash string // of its state
}

// begin begins a consent, which the invitation with a hash led to, or "".
func (g *Grants) begin(ctx context.Context, participantID, invitation string) (string, begun, error) {
	p, err := g.Store.Participant(ctx, participantID)
	if err != nil {
		return "", begun{}, err
	}
	app, err := g.app(p.Region)
	if err != nil {
		return "", begun{}, fmt.Errorf("participant %s: %w", p.ID, err)
	}
	if err := g.client(app).Check(); err != nil {
		return "", begun{}, fmt.Errorf("region %s: %w", app.Region, err)
	}
	secret := newState()
	b := begun{app, g.Key.hash("state", secret)}
	err = g.Store.PutState(ctx, state.OAuthState{Hash: b.hash, ParticipantID: p.ID, Region: app.Region,
		RedirectURI: app.RedirectURI, Invitation: invitation, ExpiresAt: g.now().Add(stateLife)})
	if err != nil {
		return "", begun{}, fmt.Errorf("participant %s: %w", p.ID, err)
	}
	return app.oauth().AuthCodeURL(secret), b, nil
}

// Finish ends a consent with the address at which the browser arrived. The
// tokens are kept before anything else is done with them. Errors:
// *state.StateError, *DeniedError, *CodeError, *WrongClientError, and those of
// Verify.
func (g *Grants) Finish(ctx context.Context, redirected string) (Found, error) {
	u, err := url.Parse(redirected)
	if err != nil {
		return Found{}, errors.New("redirected address: not a URL") // which may hold a code
	}
	query := u.Query()
	u.RawQuery, u.Fragment = "", ""
	return g.complete(ctx, u.String(), query)
}

// complete ends the consent that came back to address with query.
func (g *Grants) complete(ctx context.Context, address string, query url.Values) (Found, error) {
	if query.Get("state") == "" {
		return Found{}, &state.StateError{Reason: state.StateMissing}
	}
	o, err := g.Store.UseState(ctx, g.Key.hash("state", query.Get("state")))
	if err != nil {
		return Found{}, err
	}
	g.reached("connect.returned")
	found, err := g.completeFor(ctx, o, address, query)
	if noted := g.noteOutcome(ctx, o, found, err); noted != nil {
		err = errors.Join(err, noted)
	}
	return found, err
}

// completeFor is complete once it is known whose consent came back.
func (g *Grants) completeFor(ctx context.Context, o state.OAuthState, address string, query url.Values) (Found, error) {
	if err := g.stillWanted(ctx, o); err != nil {
		return Found{}, err
	}
	var r reply
	r.readForm(query)
	switch {
	case !arrivedAt(address, o.RedirectURI):
		return Found{}, &CodeError{ParticipantID: o.ParticipantID, Reason: "came back to another address than " + o.RedirectURI}
	case knownCode(query.Get("error")) == accessDenied:
		denied := state.Act{Subject: "consent", ParticipantID: o.ParticipantID, After: state.Fields{"denied": true}}
		return Found{}, errors.Join(&DeniedError{o.ParticipantID}, g.Store.Audit(ctx, denied))
	case r.failed:
		said := r.said(query.Get("code"), query.Get("state"))
		return Found{}, &CodeError{ParticipantID: o.ParticipantID, Reason: fmt.Sprintf("Dexcom answered %q", said)}
	case query.Get("code") == "":
		return Found{}, &CodeError{ParticipantID: o.ParticipantID, Reason: "no code came back"}
	}
	id, err := g.exchange(context.WithoutCancel(ctx), o, query.Get("code"))
	if err != nil {
		return Found{}, err
	}
	return g.Verify(ctx, id)
}

// arrivedAt reports whether a browser that was sent to redirect shows address: it
// writes an empty path as a slash.
func arrivedAt(address, redirect string) bool {
	u, err := url.Parse(redirect)
	return address == redirect || err == nil && u.Path == "" && address == redirect+"/"
}

// exchange turns a code into a connection, in the order of a refresh: answer
// kept, parsed, committed. That the state is used up is on record already.
func (g *Grants) exchange(ctx context.Context, o state.OAuthState, code string) (connectionID string, err error) {
	app, err := g.app(o.Region)
	if err != nil {
		return "", fmt.Errorf("participant %s: %w", o.ParticipantID, err)
	}
	a := state.TokenAnswer{ConnectionID: g.Store.NewID(), ParticipantID: o.ParticipantID, Region: app.Region}
	got, err := g.post(ctx, app, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {o.RedirectURI}}, sendIt)
	if err != nil {
		return "", &CodeError{o.ParticipantID, "no answer: " + err.Error(), err}
	}
	g.reached("connect.answered")
	a.HTTPStatus, a.ReceivedAt = got.status, g.now()
	kept, keepErr := g.keep(ctx, a, got.body)
	g.reached("connect.kept")
	return a.ConnectionID, errors.Join(g.useCode(ctx, kept, got.body, code), keepErr)
}

// sendIt is for what nobody else can present meanwhile.
func sendIt() error { return nil }

// useCode commits what the answer to a code brings. A code that is not known any
// more is "".
func (g *Grants) useCode(ctx context.Context, a state.TokenAnswer, body []byte, code string) error {
	r := readReply(body)
	if a.HTTPStatus == 200 && r.Refresh != "" {
		grant, err := g.grant(r.pair, a.ReceivedAt, r.lifetime)
		if err != nil {
			return fmt.Errorf("participant %s: %w", a.ParticipantID, err)
		}
		g.reached("connect.parsed")
		if err := g.Store.CommitCode(ctx, a, grant); err != nil {
			return fmt.Errorf("participant %s: tokens not committed: %w", a.ParticipantID, err)
		}
		g.reached("connect.committed")
		return nil
	}
	outcome := r.outcome(a.HTTPStatus, g.secrets(a.Region, code)...)
	failure := state.RefreshFailure{Answer: a, Outcome: outcome, Unreadable: a.HTTPStatus == 200 && !r.failed}
	var out error = &CodeError{ParticipantID: a.ParticipantID, Reason: outcome}
	switch {
	case r.code.ofApp():
		out = &WrongClientError{Region: a.Region, Code: string(r.code), Said: outcome}
	case r.code == invalidGrant:
		out = &CodeError{ParticipantID: a.ParticipantID, Reason: "the code is used or too old (" + outcome + ")"}
	}
	return errors.Join(out, g.Store.FailCode(ctx, failure))
}

// finishCode completes an exchange that a crash interrupted after its answer.
func (g *Grants) finishCode(ctx context.Context, a state.TokenAnswer) error {
	body, err := g.Key.open(a.Sealed)
	if err != nil {
		g.damaged(a) // the consent has to be begun again
		return g.Store.FailCode(ctx, state.RefreshFailure{Answer: a, Outcome: damagedAnswer, Unreadable: true})
	}
	if err := g.Store.OwnAnswer(a); err != nil {
		return err
	}
	err = g.useCode(context.WithoutCancel(ctx), a, body, "")
	var code *CodeError
	if errors.As(err, &code) || refreshError(err) {
		g.log().Warn("code was not exchanged", "participant_id", a.ParticipantID, "error", err)
		return nil
	}
	return err
}

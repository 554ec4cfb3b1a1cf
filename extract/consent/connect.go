package consent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// stateLife is how long a consent link may be used.
const stateLife = time.Hour

// Connecting leads people to Dexcom's login, and takes what they come back with.
type Connecting struct {
	base
	tokens    *Tokens
	accounts  *Accounts
	links     *Links
	questions *Questions
	arriving  sync.Map // hashes of the states with which somebody is coming back
}

// Begin begins the consent of a participant and returns the URL to open in a
// browser within the hour. Errors: *cohort.UnknownParticipantError, *NoAppError.
func (cn *Connecting) Begin(ctx context.Context, participantID string) (string, error) {
	address, _, err := cn.begin(ctx, oauthState{ParticipantID: participantID})
	return address, err
}

// begun is a consent on its way.
type begun struct {
	app  App
	hash string // of its state
}

// begin begins the consent o, of which it fills in all but the participant, the
// invitation and the browser.
func (cn *Connecting) begin(ctx context.Context, o oauthState) (string, begun, error) {
	p, err := cn.register.Cohort.Participant(ctx, o.ParticipantID)
	if err != nil {
		return "", begun{}, err
	}
	app, err := cn.client.app(p.Region)
	if err != nil {
		return "", begun{}, fmt.Errorf("participant %s: %w", p.ID, err)
	}
	if err := cn.client.client(app).Check(); err != nil {
		return "", begun{}, fmt.Errorf("region %s: %w", app.Region, err)
	}
	secret := newState()
	b := begun{app, cn.key.hash("state", secret)}
	o.Hash, o.Region, o.RedirectURI, o.ExpiresAt = b.hash, app.Region, app.RedirectURI, cn.register.now().Add(stateLife)
	if err := cn.putState(ctx, o); err != nil {
		return "", begun{}, fmt.Errorf("participant %s: %w", p.ID, err)
	}
	return app.oauth().AuthCodeURL(secret), b, nil
}

// Finish ends a consent with the address at which the browser arrived, as
// somebody pasted it at the terminal that began it. The tokens are kept before
// anything else is done with them. Errors: *StateError, *DeniedError,
// *CodeError, *WrongClientError, *NoCallError, and those of Verify.
func (cn *Connecting) Finish(ctx context.Context, redirected string) (Found, error) {
	u, err := url.Parse(redirected)
	if err != nil {
		return Found{}, errors.New("redirected address: not a URL") // which may hold a code
	}
	query := u.Query()
	u.RawQuery, u.Fragment = "", ""
	return cn.Arrive(ctx, Arrival{Address: u.String(), Query: query, Pasted: true})
}

// Arrive ends the consent with which a browser came back. One that is not the
// browser that began is to be asked first: *AskError. Else errors are Finish's. With an
// error, what was found says at least of which participant the consent was, if it is
// known.
func (cn *Connecting) Arrive(ctx context.Context, a Arrival) (found Found, err error) {
	hash := cn.key.hash("state", a.Query.Get("state"))
	o, err := cn.awaited(ctx, hash, a)
	defer func() { // whose it was to be, and where the browser goes
		found.Connection.ParticipantID, found.ReturnTo = o.ParticipantID, cn.links.returnTo(ctx, o.Invitation)
	}()
	if err != nil {
		return Found{}, err
	}
	// One at a time, or each of many would take a place for the same code.
	if _, another := cn.arriving.LoadOrStore(hash, true); another {
		return Found{}, &StateError{Reason: StateUsed}
	}
	defer cn.arriving.Delete(hash)
	if a.Query.Get("code") != "" {
		if err := cn.place(ctx, o); err != nil {
			return Found{}, err
		}
	}
	if o, err = cn.useState(ctx, hash); err != nil {
		return Found{}, err
	}
	cn.client.reached("connect.returned")
	found, err = cn.completeFor(ctx, o, a)
	return found, errors.Join(err, cn.links.noteEnding(ctx, o, EndingOf(found, err)))
}

// awaited returns the consent that an arrival is of, before anything is written:
// what comes from nowhere, or brings nothing, costs no more than a look.
func (cn *Connecting) awaited(ctx context.Context, hash string, a Arrival) (oauthState, error) {
	if a.Query.Get("state") == "" {
		return oauthState{}, &StateError{Reason: StateMissing}
	}
	o, err := cn.state(ctx, hash)
	switch {
	case err != nil:
		return o, err
	case !a.Ask && !cn.fits(o, a):
		return o, &StateError{Reason: StateElsewhere}
	case a.empty():
		return o, &CodeError{ParticipantID: o.ParticipantID, Reason: "no code came back"}
	}
	return o, nil
}

// place takes a place for an exchange among the calls that the app may make in
// an hour. A code does not keep while there is none.
func (cn *Connecting) place(ctx context.Context, o oauthState) error {
	err := cn.client.quota()
	if err == nil && cn.client.Pace != nil {
		within, cancel := context.WithTimeout(ctx, lookWithin)
		defer cancel()
		err = cn.client.Pace(within, o.Region)
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		err = errors.New("the calls of this hour are used up (limits.calls_per_hour)")
	}
	return &NoCallError{o.ParticipantID, err}
}

// completeFor is Arrive once the state is used up.
func (cn *Connecting) completeFor(ctx context.Context, o oauthState, a Arrival) (Found, error) {
	if err := cn.links.stillWanted(ctx, o); err != nil {
		return Found{}, err
	}
	var r reply
	r.readForm(a.Query)
	code := a.Query.Get("code")
	switch {
	case !arrivedAt(a.Address, o.RedirectURI):
		return Found{}, &CodeError{ParticipantID: o.ParticipantID, Reason: "came back to another address than " + o.RedirectURI}
	case knownCode(a.Query.Get("error")) == accessDenied:
		denied := state.Act{Subject: "consent", ParticipantID: o.ParticipantID, After: state.Fields{"denied": true}}
		return Found{}, errors.Join(&DeniedError{o.ParticipantID}, cn.register.Store.Audit(ctx, denied))
	case r.failed:
		said := r.said(code, a.Query.Get("state"))
		return Found{}, &CodeError{ParticipantID: o.ParticipantID, Reason: fmt.Sprintf("Dexcom answered %q", said)}
	case code == "":
		return Found{}, &CodeError{ParticipantID: o.ParticipantID, Reason: "no code came back"}
	}
	var unconfirmed *Unconfirmed
	if !cn.fits(o, a) {
		unconfirmed = &Unconfirmed{Invitation: o.Invitation, Browser: cn.links.browserHash(a.Browser), ExpiresAt: cn.register.now().Add(questionLife)}
	}
	id, err := cn.exchange(context.WithoutCancel(ctx), o, code, unconfirmed)
	if err != nil {
		return Found{}, err
	}
	return cn.accounts.Verify(ctx, id)
}

// arrivedAt reports whether a browser that was sent to redirect shows address: it
// writes an empty path as a slash.
func arrivedAt(address, redirect string) bool {
	u, err := url.Parse(redirect)
	return address == redirect || err == nil && u.Path == "" && address == redirect+"/"
}

// exchange turns a code into a connection, in the order of a refresh: answer
// kept, parsed, committed. That the state is used up is on record already. An
// answer that is to be confirmed is kept as such, and no more: *AskError.
func (cn *Connecting) exchange(ctx context.Context, o oauthState, code string, unconfirmed *Unconfirmed) (connectionID string, err error) {
	app, err := cn.client.app(o.Region)
	if err != nil {
		return "", fmt.Errorf("participant %s: %w", o.ParticipantID, err)
	}
	a := tokenAnswer{ConnectionID: cn.register.Store.NewID(), ParticipantID: o.ParticipantID, Region: app.Region, Unconfirmed: unconfirmed}
	got, err := cn.client.post(ctx, app, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {o.RedirectURI}}, sendIt)
	if err != nil {
		return "", &CodeError{o.ParticipantID, "no answer: " + err.Error(), err}
	}
	cn.client.reached("connect.answered")
	a.HTTPStatus, a.ReceivedAt = got.status, cn.register.now()
	kept, keepErr := cn.tokens.keep(ctx, a, got.body)
	cn.client.reached("connect.kept")
	if unconfirmed != nil && keepErr != nil {
		return "", keepErr
	}
	if unconfirmed != nil {
		return "", cn.questions.ask(ctx, app, kept, got.body, code)
	}
	return a.ConnectionID, errors.Join(cn.tokens.useCode(ctx, kept, got.body, code), keepErr)
}

// sendIt is for what nobody else can present meanwhile.
func sendIt() error { return nil }

// useCode commits what the answer to a code brings. A code that is not known any
// more is "".
func (ts *Tokens) useCode(ctx context.Context, a tokenAnswer, body []byte, code string) error {
	r := readReply(body)
	if a.HTTPStatus == 200 && r.Refresh != "" {
		grant, err := ts.key.grant(r.pair, a.ReceivedAt, r.lifetime)
		if err != nil {
			return fmt.Errorf("participant %s: %w", a.ParticipantID, err)
		}
		ts.client.reached("connect.parsed")
		if err := ts.commitCode(ctx, a, grant); err != nil {
			return fmt.Errorf("participant %s: tokens not committed: %w", a.ParticipantID, err)
		}
		ts.client.reached("connect.committed")
		return nil
	}
	outcome, out := ts.codeError(a, r, code)
	failure := refreshFailure{Answer: a, Outcome: outcome, Unreadable: a.HTTPStatus == 200 && !r.failed}
	return errors.Join(out, ts.failCode(ctx, failure))
}

// codeError is that the answer a to a code, which says r, brings no tokens.
func (ts *Tokens) codeError(a tokenAnswer, r reply, code string) (outcome string, err error) {
	outcome = r.outcome(a.HTTPStatus, ts.client.secrets(a.Region, code)...)
	switch {
	case r.code.ofApp():
		return outcome, &WrongClientError{Region: a.Region, Code: string(r.code), Said: outcome}
	case r.code == invalidGrant:
		return outcome, &CodeError{ParticipantID: a.ParticipantID, Reason: "the code is used or too old (" + outcome + ")"}
	}
	return outcome, &CodeError{ParticipantID: a.ParticipantID, Reason: outcome}
}

// finishCode completes an exchange that a crash interrupted after its answer.
func (ts *Tokens) finishCode(ctx context.Context, a tokenAnswer) error {
	body, err := ts.key.open(a.Sealed)
	if err != nil {
		ts.damaged(a) // the consent has to be begun again
		return ts.failCode(ctx, refreshFailure{Answer: a, Outcome: damagedAnswer, Unreadable: true})
	}
	if err := ts.register.own(a); err != nil {
		return err
	}
	err = ts.useCode(context.WithoutCancel(ctx), a, body, "")
	var code *CodeError
	if errors.As(err, &code) || refreshError(err) {
		ts.client.log().Warn("code was not exchanged", "participant_id", a.ParticipantID, "error", err)
		return nil
	}
	return err
}

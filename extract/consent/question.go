package consent

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

const (
	// questionLife is how long an unconfirmed answer is kept.
	questionLife = 15 * time.Minute
	// SweepEvery is how often those past their end are to be looked for.
	SweepEvery = 15 * time.Second
	// lookWithin bounds how long a browser waits for what its account shows.
	lookWithin = 20 * time.Second
)

// An AskError says that another browser came back than the one that began, so
// that whoever sits there is to be asked first: see Question. Nothing uses what
// Dexcom sent until then.
type AskError struct {
	ParticipantID string
	ExpiresAt     time.Time // UTC

	answerID string
}

func (e *AskError) Error() string {
	return fmt.Sprintf("participant %s: another browser came back than the one that began; the person there is asked whether the account is theirs, until %s",
		e.ParticipantID, e.ExpiresAt.Format(time.RFC3339))
}

// A NotConfirmedError says that whoever was asked did not say yes. What Dexcom
// sent is destroyed.
type NotConfirmedError struct {
	ParticipantID string
	Refused       bool // they said no; else nobody answered in time
}

func (e *NotConfirmedError) Error() string {
	if e.Refused {
		return fmt.Sprintf("participant %s: whoever signed in says that it was not meant; what Dexcom sent is destroyed", e.ParticipantID)
	}
	return fmt.Sprintf("participant %s: another browser came back than the one that began, and nobody there said whose account it is; what Dexcom sent is destroyed", e.ParticipantID)
}

// A NoCallError says that a sign-in was not finished because no call may be made
// at the moment. Its state is not used up.
type NoCallError struct {
	ParticipantID string
	Err           error
}

func (e *NoCallError) Error() string {
	return fmt.Sprintf("participant %s: the sign-in was not finished: %v", e.ParticipantID, e.Err)
}

// Unwrap returns why.
func (e *NoCallError) Unwrap() error { return e.Err }

// A Question is what a browser is asked before a grant is kept.
type Question struct {
	Participant  state.Participant // whose link was followed: not for the page, but for its dates
	Token        string            // proves that an answer is one to this question, by this browser
	Seen         bool              // it is known since when the account has readings
	FirstReading time.Time         // zero: it has none
}

// Question returns what a browser is asked, *state.StateError if nothing.
func (g *Grants) Question(ctx context.Context, browser Secret) (Question, error) {
	waiting, err := g.Store.UnconfirmedIn(ctx, g.browserHash(browser))
	if err != nil {
		return Question{}, err
	}
	if len(waiting) == 0 {
		return Question{}, &state.StateError{Reason: state.StateUnknown}
	}
	u := waiting[len(waiting)-1]
	if !g.now().Before(u.ExpiresAt) {
		return Question{}, g.expired(ctx)
	}
	p, err := g.Store.Participant(ctx, u.ParticipantID)
	return Question{p, g.questionToken(u.AnswerID, browser), u.Seen, u.FirstReading}, err
}

func (g *Grants) questionToken(answerID string, browser Secret) string {
	return g.Key.hash("question", answerID+"\x00"+string(browser))
}

// expired is that the answer to a question comes too late.
func (g *Grants) expired(ctx context.Context) error {
	_, err := g.Sweep(ctx)
	return errors.Join(&state.StateError{Reason: state.StateExpired}, err)
}

// Answer ends the question of a token: with yes the account is connected, as
// Finish does it; without, what Dexcom sent is destroyed and the error a
// *NotConfirmedError. A question that is not this browser's, was answered, or is
// too old is a *state.StateError, and so is a yes after the link or the
// participation has ended.
func (g *Grants) Answer(ctx context.Context, browser Secret, token string, yes bool) (Found, error) {
	waiting, err := g.Store.UnconfirmedIn(ctx, g.browserHash(browser))
	if err != nil {
		return Found{}, err
	}
	i := slices.IndexFunc(waiting, func(u state.Unconfirmed) bool {
		return hmac.Equal([]byte(token), []byte(g.questionToken(u.AnswerID, browser)))
	})
	switch {
	case i < 0:
		return Found{}, &state.StateError{Reason: state.StateUnknown}
	case !g.now().Before(waiting[i].ExpiresAt):
		return Found{}, g.expired(ctx)
	case !yes:
		return Found{}, g.refuse(ctx, waiting[i])
	}
	return g.confirm(ctx, waiting[i])
}

func (g *Grants) refuse(ctx context.Context, u state.Unconfirmed) error {
	n, err := g.Store.EndUnconfirmed(context.WithoutCancel(ctx), state.EndingRefused, u.AnswerID)
	if err == nil && n == 0 {
		return &state.StateError{Reason: state.StateUsed} // a yes was faster
	}
	return errors.Join(&NotConfirmedError{u.ParticipantID, true}, err)
}

// confirm uses an answer after all. From Confirm on a crash loses nothing:
// Recover finishes it.
func (g *Grants) confirm(ctx context.Context, u state.Unconfirmed) (Found, error) {
	o := state.OAuthState{ParticipantID: u.ParticipantID, Invitation: u.Invitation}
	a, err := state.TokenAnswer{}, g.stillWanted(ctx, o)
	if err == nil {
		a, err = g.Store.Confirm(ctx, u.AnswerID, u.Browser)
	}
	if as[*state.StateError](err) || as[*state.WithdrawnError](err) {
		_, ended := g.Store.EndUnconfirmed(context.WithoutCancel(ctx), state.EndingClosed, u.AnswerID)
		return Found{}, errors.Join(err, ended)
	}
	if err != nil {
		return Found{}, err // ours: the question stays
	}
	g.reached("connect.confirmed")
	body, err := g.Key.open(a.Sealed)
	if err != nil {
		return Found{}, errors.Join(&CodeError{ParticipantID: a.ParticipantID, Reason: damagedAnswer}, g.finishCode(ctx, a))
	}
	if err := g.useCode(context.WithoutCancel(ctx), a, body, ""); err != nil {
		return Found{}, err
	}
	found, err := g.Verify(ctx, a.ConnectionID)
	return found, errors.Join(err, g.noteOutcome(ctx, o, found, err))
}

// ask looks at the account of an unconfirmed answer, for the question's sake
// alone, and leaves the rest to whoever answers it: its error is an *AskError.
func (g *Grants) ask(ctx context.Context, app App, a state.TokenAnswer, body []byte, code string) error {
	r := readReply(body)
	if a.HTTPStatus != 200 || r.Refresh == "" {
		_, failed := g.codeError(a, r, code)
		_, err := g.Store.EndUnconfirmed(ctx, state.EndingFailed, a.ID)
		return errors.Join(failed, err)
	}
	u := *a.Unconfirmed
	u.AnswerID, u.ParticipantID = a.ID, a.ParticipantID
	u.FirstReading, u.Seen = g.firstReading(ctx, app, a.ParticipantID, r.pair)
	if err := g.Store.Asked(ctx, u); err != nil {
		return fmt.Errorf("participant %s: question: %w", a.ParticipantID, err)
	}
	g.asked.Store(a.ID, true)
	g.reached("connect.asked")
	return &AskError{a.ParticipantID, u.ExpiresAt, a.ID}
}

// firstReading is since when an account has readings; false: it did not say.
func (g *Grants) firstReading(ctx context.Context, app App, participantID string, p pair) (first time.Time, seen bool) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	a, err := g.data(ctx, app, p.Access, dexcom.Request{Resource: dexcom.DataRange})
	var ranges dexcom.Ranges
	if err == nil {
		ranges, err = readRanges(a)
	}
	if err != nil {
		g.log().Warn("account not seen before it is asked for", "participant_id", participantID, "error", err)
		return time.Time{}, false
	}
	if ranges.EGVs != nil {
		first = ranges.EGVs.Start
	}
	return first, true
}

// Sweep destroys the unconfirmed answers past their end and returns whose they
// were; and, without a word, those to which nobody can say yes any more because
// the link or the participation has ended. It is to be called at every start and
// while questions may wait.
func (g *Grants) Sweep(ctx context.Context) ([]state.Unconfirmed, error) {
	ctx = context.WithoutCancel(ctx)
	gone, err := g.Store.ExpireUnconfirmed(ctx)
	for _, u := range gone {
		g.asked.Delete(u.AnswerID)
		g.log().Info("nobody confirmed in time: destroyed", "participant_id", u.ParticipantID)
	}
	return gone, errors.Join(err, g.sweepClosed(ctx))
}

func (g *Grants) sweepClosed(ctx context.Context) error {
	waiting, err := g.Store.Unconfirmed(ctx)
	if err != nil {
		return err
	}
	for _, u := range waiting {
		ended := g.stillWanted(ctx, state.OAuthState{ParticipantID: u.ParticipantID, Invitation: u.Invitation})
		if ended == nil {
			ended = g.Store.LinkWorks(ctx, u.Invitation)
		}
		if !as[*state.StateError](ended) {
			continue
		}
		if _, err := g.Store.EndUnconfirmed(ctx, state.EndingClosed, u.AnswerID); err != nil {
			return err
		}
		g.asked.Delete(u.AnswerID)
		g.log().Info("link or participation ended before anybody confirmed: destroyed", "participant_id", u.ParticipantID)
	}
	return nil
}

// EndQuestions destroys what waits for an answer to a question of this run: when
// it ends nobody is left who could do so in time.
func (g *Grants) EndQuestions(ctx context.Context) error {
	var ids []string
	g.asked.Range(func(id, _ any) bool {
		ids = append(ids, id.(string))
		return true
	})
	_, err := g.Store.EndUnconfirmed(context.WithoutCancel(ctx), state.EndingStopped, ids...)
	return err
}

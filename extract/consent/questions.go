package consent

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
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
	return fmt.Sprintf("participant %s: the sign-in was not finished: %s", e.ParticipantID, within(e.ParticipantID, e.Err))
}

// Unwrap returns why.
func (e *NoCallError) Unwrap() error { return e.Err }

// Questions are asked where another browser came back than the one that began.
type Questions struct {
	base
	tokens   *Tokens
	accounts *Accounts
	links    *Links
	mine     sync.Map // ids of the answers of which this run asked whose they are
}

// A Question is what a browser is asked before a grant is kept.
type Question struct {
	Participant  cohort.Participant // whose link was followed: not for the page, but for its dates
	Token        string             // proves that an answer is one to this question, by this browser
	Seen         bool               // it is known since when the account has readings
	FirstReading time.Time          // zero: it has none
}

// Question returns what a browser is asked, *StateError if nothing.
func (qs *Questions) Question(ctx context.Context, browser Secret) (Question, error) {
	waiting, err := qs.unconfirmedIn(ctx, qs.links.browserHash(browser))
	if err != nil {
		return Question{}, err
	}
	if len(waiting) == 0 {
		return Question{}, &StateError{Reason: StateUnknown}
	}
	u := waiting[len(waiting)-1]
	if !qs.register.now().Before(u.ExpiresAt) {
		return Question{}, qs.expired(ctx)
	}
	p, err := qs.register.Cohort.Participant(ctx, u.ParticipantID)
	return Question{p, qs.questionToken(u.AnswerID, browser), u.Seen, u.FirstReading}, err
}

func (qs *Questions) questionToken(answerID string, browser Secret) string {
	return qs.key.hash("question", answerID+"\x00"+string(browser))
}

// expired is that the answer to a question comes too late.
func (qs *Questions) expired(ctx context.Context) error {
	_, err := qs.Sweep(ctx)
	return errors.Join(&StateError{Reason: StateExpired}, err)
}

// Answer ends the question of a token: with yes the account is connected, as
// Finish does it; without, what Dexcom sent is destroyed and the error a
// *NotConfirmedError. A question that is not this browser's, was answered, or is
// too old is a *StateError, and so is a yes after the link or the
// participation has ended.
func (qs *Questions) Answer(ctx context.Context, browser Secret, token string, yes bool) (found Found, err error) {
	waiting, err := qs.unconfirmedIn(ctx, qs.links.browserHash(browser))
	if err != nil {
		return Found{}, err
	}
	i := slices.IndexFunc(waiting, func(u Unconfirmed) bool {
		return hmac.Equal([]byte(token), []byte(qs.questionToken(u.AnswerID, browser)))
	})
	switch {
	case i < 0:
		return Found{}, &StateError{Reason: StateUnknown}
	case !qs.register.now().Before(waiting[i].ExpiresAt):
		return Found{}, qs.expired(ctx)
	case yes:
		found, err = qs.confirm(ctx, waiting[i])
	default:
		err = qs.refuse(ctx, waiting[i])
	}
	found.Connection.ParticipantID, found.ReturnTo = waiting[i].ParticipantID, qs.links.returnTo(ctx, waiting[i].Invitation)
	return found, err
}

func (qs *Questions) refuse(ctx context.Context, u Unconfirmed) error {
	n, err := qs.destroy(context.WithoutCancel(ctx), fateRefused, u.AnswerID)
	if err == nil && n == 0 {
		return &StateError{Reason: StateUsed} // a yes was faster
	}
	return errors.Join(&NotConfirmedError{u.ParticipantID, true}, err)
}

// confirm uses an answer after all. From Confirm on a crash loses nothing:
// Recover finishes it.
func (qs *Questions) confirm(ctx context.Context, u Unconfirmed) (Found, error) {
	o := oauthState{ParticipantID: u.ParticipantID, Invitation: u.Invitation}
	a, err := tokenAnswer{}, qs.links.stillWanted(ctx, o)
	if err == nil {
		a, err = qs.accept(ctx, u.AnswerID, u.Browser)
	}
	if as[*StateError](err) || as[*cohort.WithdrawnError](err) {
		_, ended := qs.destroy(context.WithoutCancel(ctx), fateClosed, u.AnswerID)
		return Found{}, errors.Join(err, ended)
	}
	if err != nil {
		return Found{}, err // ours: the question stays
	}
	qs.client.reached("connect.confirmed")
	body, err := qs.key.open(a.Sealed)
	if err != nil {
		return Found{}, errors.Join(&CodeError{ParticipantID: a.ParticipantID, Reason: damagedAnswer}, qs.tokens.finishCode(ctx, a))
	}
	if err := qs.tokens.useCode(context.WithoutCancel(ctx), a, body, ""); err != nil {
		return Found{}, err
	}
	found, err := qs.accounts.Verify(ctx, a.ConnectionID)
	return found, errors.Join(err, qs.links.noteEnding(ctx, o, EndingOf(found, err)))
}

// ask looks at the account of an unconfirmed answer, for the question's sake
// alone, and leaves the rest to whoever answers it: its error is an *AskError.
func (qs *Questions) ask(ctx context.Context, app App, a tokenAnswer, body []byte, code string) error {
	r := readReply(body)
	if a.HTTPStatus != 200 || r.Refresh == "" {
		_, failed := qs.tokens.codeError(a, r, code)
		_, err := qs.destroy(ctx, fateFailed, a.ID)
		return errors.Join(failed, err)
	}
	u := *a.Unconfirmed
	u.AnswerID, u.ParticipantID = a.ID, a.ParticipantID
	u.FirstReading, u.Seen = qs.firstReading(ctx, app, a.ParticipantID, r.pair)
	if err := qs.noteAsked(ctx, u); err != nil {
		return fmt.Errorf("participant %s: question: %w", a.ParticipantID, err)
	}
	qs.mine.Store(a.ID, true)
	qs.client.reached("connect.asked")
	return &AskError{a.ParticipantID, u.ExpiresAt, a.ID}
}

// firstReading is since when an account has readings; false: it did not say.
func (qs *Questions) firstReading(ctx context.Context, app App, participantID string, p pair) (first time.Time, seen bool) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	a, err := qs.client.data(ctx, app, p.Access, dexcom.Request{Resource: dexcom.DataRange})
	var ranges dexcom.Ranges
	if err == nil {
		ranges, err = readRanges(a)
	}
	if err != nil {
		qs.client.log().Warn("account not seen before it is asked for", "participant_id", participantID, "error", err)
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
func (qs *Questions) Sweep(ctx context.Context) ([]Unconfirmed, error) {
	ctx = context.WithoutCancel(ctx)
	gone, err := qs.expireUnconfirmed(ctx)
	for _, u := range gone {
		qs.mine.Delete(u.AnswerID)
		qs.client.log().Info("nobody confirmed in time: destroyed", "participant_id", u.ParticipantID)
	}
	return gone, errors.Join(err, qs.sweepClosed(ctx))
}

func (qs *Questions) sweepClosed(ctx context.Context) error {
	waiting, err := qs.register.Unconfirmed(ctx)
	if err != nil {
		return err
	}
	for _, u := range waiting {
		ended := qs.links.stillWanted(ctx, oauthState{ParticipantID: u.ParticipantID, Invitation: u.Invitation})
		if ended == nil {
			ended = qs.links.linkWorks(ctx, u.Invitation)
		}
		if !as[*StateError](ended) {
			continue
		}
		if _, err := qs.destroy(ctx, fateClosed, u.AnswerID); err != nil {
			return err
		}
		qs.mine.Delete(u.AnswerID)
		qs.client.log().Info("link or participation ended before anybody confirmed: destroyed", "participant_id", u.ParticipantID)
	}
	return nil
}

// EndQuestions destroys what waits for an answer to a question of this run: when
// it ends nobody is left who could do so in time.
func (qs *Questions) EndQuestions(ctx context.Context) error {
	var ids []string
	qs.mine.Range(func(id, _ any) bool {
		ids = append(ids, id.(string))
		return true
	})
	_, err := qs.destroy(context.WithoutCancel(ctx), fateStopped, ids...)
	return err
}

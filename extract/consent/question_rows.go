package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// An Unconfirmed is the answer to a code that another browser brought than the
// one that began the consent. It is no grant: whoever sits there is asked whether
// the account is theirs. Until they say yes nothing uses it, and it does not
// outlive its end. Times are UTC.
type Unconfirmed struct {
	AnswerID      string
	ParticipantID string
	Invitation    string // hash of the link that led here; "": none
	Browser       string // keyed hash of the cookie of the browser that is asked
	ExpiresAt     time.Time
	Seen          bool      // it is known since when the account has readings
	FirstReading  time.Time // zero: it has none
}

// An Ending says, in the audit trail, what became of an Unconfirmed.
type fate string

// The endings. All but fateConfirmed destroy the answer.
const (
	fateConfirmed fate = "confirmed" // the person said yes
	fateRefused   fate = "refused"   // the person said no
	fateExpired   fate = "expired"   // nobody answered in time
	fateStopped   fate = "stopped"   // the pages that asked were closed
	fateClosed    fate = "closed"    // the link or the participation ended meanwhile
	fateFailed    fate = ""          // it brought no tokens: no line of the trail
)

func askedAct(participantID, what string) state.Act {
	return state.Act{Subject: "consent", ParticipantID: participantID, After: state.Fields{"other_browser": what}}
}

// putUnconfirmed marks the answer with an id as one that must not be used.
func putUnconfirmed(ctx context.Context, tx *sql.Tx, id string, u Unconfirmed) error {
	_, err := tx.ExecContext(ctx, "insert into unconfirmed (answer_id, invitation, browser, expires_at) values (?, ?, ?, ?)",
		id, u.Invitation, u.Browser, state.Micros(u.ExpiresAt))
	return err
}

// noteAsked records what the account of an unconfirmed answer shows, and that its
// person is asked from now on. One that is gone meanwhile is a *StateError.
func (qs *Questions) noteAsked(ctx context.Context, u Unconfirmed) error {
	return qs.register.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		res, err := tx.ExecContext(ctx, "update unconfirmed set seen = ?, first_reading = ? where answer_id = ?", u.Seen, state.Micros(u.FirstReading), u.AnswerID)
		if err := state.Affected(res, err, &StateError{StateUnknown}); err != nil {
			return nil, err
		}
		return []state.Act{askedAct(u.ParticipantID, "asked")}, nil
	})
}

// Unconfirmed lists the answers that wait for a yes, oldest first.
func (r *Register) Unconfirmed(ctx context.Context) ([]Unconfirmed, error) {
	return unconfirmedIn(ctx, r.Store, "expires_at > ?", state.Micros(r.now()))
}

// unconfirmedIn lists those of which the browser with a hash is asked, oldest
// first, those past their end too.
func (qs *Questions) unconfirmedIn(ctx context.Context, browser string) ([]Unconfirmed, error) {
	return unconfirmedIn(ctx, qs.register.Store, "browser = ?", browser)
}

// accept makes of an unconfirmed answer one that may be used, and returns it:
// once, in time, and while its link works; else *StateError.
func (qs *Questions) accept(ctx context.Context, answerID, browser string) (tokenAnswer, error) {
	var a tokenAnswer
	err := qs.register.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		waiting, err := unconfirmedIn(ctx, tx, "answer_id = ? and browser = ?", answerID, browser)
		switch {
		case err != nil:
			return nil, err
		case len(waiting) == 0:
			return nil, &StateError{StateUnknown}
		case !qs.register.now().Before(waiting[0].ExpiresAt):
			return nil, &StateError{StateExpired}
		}
		if err := errors.Join(cohort.StandingIn(ctx, tx, waiting[0].ParticipantID), qs.links.checkInvitation(ctx, tx, waiting[0].Invitation)); err != nil {
			return nil, err
		}
		if a, err = state.One(ctx, tx, scanAnswer, selectAnswers+" where answer_id = ?", answerID); err != nil {
			return nil, err
		}
		if err := qs.register.own(a); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, "delete from unconfirmed where answer_id = ?", answerID); err != nil {
			return nil, err
		}
		a.waits = ""
		a.seal = qs.register.sealOf(a)
		_, err = tx.ExecContext(ctx, "update token_answers set seal = ? where answer_id = ?", a.seal, answerID)
		return []state.Act{askedAct(a.ParticipantID, string(fateConfirmed))}, err
	})
	return a, err
}

// destroy destroys the unconfirmed answers with these ids that there still
// are, wipes their bytes off the disk as Scrub does, and returns how many it were.
func (qs *Questions) destroy(ctx context.Context, why fate, answerIDs ...string) (n int, err error) {
	for _, id := range answerIDs {
		gone, err := qs.register.endUnconfirmed(ctx, why, "answer_id = ?", id)
		if err != nil {
			return n, err
		}
		n += len(gone)
	}
	_, err = qs.register.Store.Scrub(ctx)
	return n, err
}

// expireUnconfirmed destroys those past their end and returns them. It writes
// only if there are some, or if bytes of one wait to be wiped off the disk.
func (qs *Questions) expireUnconfirmed(ctx context.Context) ([]Unconfirmed, error) {
	gone, err := qs.register.endUnconfirmed(ctx, fateExpired, "expires_at <= ?", state.Micros(qs.register.now()))
	if err != nil {
		return nil, err
	}
	_, err = qs.register.Store.Scrub(ctx)
	return gone, err
}

func (r *Register) endUnconfirmed(ctx context.Context, why fate, where string, args ...any) (gone []Unconfirmed, err error) {
	if waiting, err := unconfirmedIn(ctx, r.Store, where, args...); err != nil || len(waiting) == 0 {
		return nil, err
	}
	err = r.Store.Change(ctx, func(tx *sql.Tx) (acts []state.Act, err error) {
		if gone, err = unconfirmedIn(ctx, tx, where, args...); err != nil || len(gone) == 0 {
			return nil, err
		}
		for _, u := range gone {
			if _, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", u.AnswerID); err != nil {
				return nil, err
			}
			switch why {
			case fateRefused, fateExpired, fateStopped:
				if _, err := tx.ExecContext(ctx, "update invitations set doubted_at = ? where token_hash = ?", state.Micros(r.now()), u.Invitation); err != nil {
					return nil, err
				}
			}
			if why != fateFailed {
				acts = append(acts, askedAct(u.ParticipantID, string(why)))
			}
		}
		return acts, state.MarkScrub(ctx, tx)
	})
	return gone, err
}

func unconfirmedIn(ctx context.Context, q state.Querier, where string, args ...any) ([]Unconfirmed, error) {
	return state.Collect(ctx, q, func(row func(...any) error) (Unconfirmed, error) {
		var u Unconfirmed
		err := row(&u.AnswerID, &u.ParticipantID, &u.Invitation, &u.Browser, state.Instant(&u.ExpiresAt), &u.Seen, state.Instant(&u.FirstReading))
		return u, err
	}, `select answer_id, participant_id, invitation, browser, expires_at, seen, first_reading
		from unconfirmed join token_answers using (answer_id) where `+where+" order by answer_id", args...)
}

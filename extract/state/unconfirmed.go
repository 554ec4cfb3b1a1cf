package state

import (
	"context"
	"database/sql"
	"errors"
	"time"
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
type Ending string

// The endings. All but EndingConfirmed destroy the answer.
const (
	EndingConfirmed Ending = "confirmed" // the person said yes
	EndingRefused   Ending = "refused"   // the person said no
	EndingExpired   Ending = "expired"   // nobody answered in time
	EndingStopped   Ending = "stopped"   // the pages that asked were closed
	EndingClosed    Ending = "closed"    // the link or the participation ended meanwhile
	EndingFailed    Ending = ""          // it brought no tokens: no line of the trail
)

func askedAct(participantID, what string) Act {
	return Act{Subject: "consent", ParticipantID: participantID, After: Fields{"other_browser": what}}
}

// putUnconfirmed marks the answer with an id as one that must not be used.
func putUnconfirmed(ctx context.Context, tx *sql.Tx, id string, u Unconfirmed) error {
	_, err := tx.ExecContext(ctx, "insert into unconfirmed (answer_id, invitation, browser, expires_at) values (?, ?, ?, ?)",
		id, u.Invitation, u.Browser, micros(u.ExpiresAt))
	return err
}

// Asked records what the account of an unconfirmed answer shows, and that its
// person is asked from now on. One that is gone meanwhile is a *StateError.
func (s *Store) Asked(ctx context.Context, u Unconfirmed) error {
	return s.change(ctx, func(tx *sql.Tx) ([]Act, error) {
		res, err := tx.ExecContext(ctx, "update unconfirmed set seen = ?, first_reading = ? where answer_id = ?", u.Seen, micros(u.FirstReading), u.AnswerID)
		if err := affected(res, err, &StateError{StateUnknown}); err != nil {
			return nil, err
		}
		return []Act{askedAct(u.ParticipantID, "asked")}, nil
	})
}

// Unconfirmed lists the answers that wait for a yes, oldest first.
func (s *Store) Unconfirmed(ctx context.Context) ([]Unconfirmed, error) {
	return unconfirmedIn(ctx, s.db, "expires_at > ?", micros(s.now()))
}

// UnconfirmedIn lists those of which the browser with a hash is asked, oldest
// first, those past their end too.
func (s *Store) UnconfirmedIn(ctx context.Context, browser string) ([]Unconfirmed, error) {
	return unconfirmedIn(ctx, s.db, "browser = ?", browser)
}

// Confirm makes of an unconfirmed answer one that may be used, and returns it:
// once, in time, and while its link works; else *StateError.
func (s *Store) Confirm(ctx context.Context, answerID, browser string) (TokenAnswer, error) {
	var a TokenAnswer
	err := s.change(ctx, func(tx *sql.Tx) ([]Act, error) {
		waiting, err := unconfirmedIn(ctx, tx, "answer_id = ? and browser = ?", answerID, browser)
		switch {
		case err != nil:
			return nil, err
		case len(waiting) == 0:
			return nil, &StateError{StateUnknown}
		case !s.now().Before(waiting[0].ExpiresAt):
			return nil, &StateError{StateExpired}
		}
		if err := errors.Join(standing(ctx, tx, waiting[0].ParticipantID), s.checkInvitation(ctx, tx, waiting[0].Invitation)); err != nil {
			return nil, err
		}
		if a, err = one(ctx, tx, scanAnswer, selectAnswers+" where answer_id = ?", answerID); err != nil {
			return nil, err
		}
		if err := s.OwnAnswer(a); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, "delete from unconfirmed where answer_id = ?", answerID); err != nil {
			return nil, err
		}
		a.waits = ""
		a.seal = s.sealOf(ownedAnswer, a.owned()...)
		_, err = tx.ExecContext(ctx, "update token_answers set seal = ? where answer_id = ?", a.seal, answerID)
		return []Act{askedAct(a.ParticipantID, string(EndingConfirmed))}, err
	})
	return a, err
}

// EndUnconfirmed destroys the unconfirmed answers with these ids that there still
// are, wipes their bytes off the disk as Scrub does, and returns how many it were.
func (s *Store) EndUnconfirmed(ctx context.Context, why Ending, answerIDs ...string) (n int, err error) {
	for _, id := range answerIDs {
		gone, err := s.endUnconfirmed(ctx, why, "answer_id = ?", id)
		if err != nil {
			return n, err
		}
		n += len(gone)
	}
	_, err = s.Scrub(ctx)
	return n, err
}

// ExpireUnconfirmed destroys those past their end and returns them. It writes
// only if there are some, or if bytes of one wait to be wiped off the disk.
func (s *Store) ExpireUnconfirmed(ctx context.Context) ([]Unconfirmed, error) {
	gone, err := s.endUnconfirmed(ctx, EndingExpired, "expires_at <= ?", micros(s.now()))
	if err != nil {
		return nil, err
	}
	_, err = s.Scrub(ctx)
	return gone, err
}

func (s *Store) endUnconfirmed(ctx context.Context, why Ending, where string, args ...any) (gone []Unconfirmed, err error) {
	if waiting, err := unconfirmedIn(ctx, s.db, where, args...); err != nil || len(waiting) == 0 {
		return nil, err
	}
	err = s.change(ctx, func(tx *sql.Tx) (acts []Act, err error) {
		if gone, err = unconfirmedIn(ctx, tx, where, args...); err != nil || len(gone) == 0 {
			return nil, err
		}
		for _, u := range gone {
			if _, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", u.AnswerID); err != nil {
				return nil, err
			}
			switch why {
			case EndingRefused, EndingExpired, EndingStopped:
				if _, err := tx.ExecContext(ctx, "update invitations set doubted_at = ? where token_hash = ?", micros(s.now()), u.Invitation); err != nil {
					return nil, err
				}
			}
			if why != EndingFailed {
				acts = append(acts, askedAct(u.ParticipantID, string(why)))
			}
		}
		return acts, markScrub(ctx, tx)
	})
	return gone, err
}

func unconfirmedIn(ctx context.Context, q querier, where string, args ...any) ([]Unconfirmed, error) {
	return collect(ctx, q, func(row func(...any) error) (Unconfirmed, error) {
		var u Unconfirmed
		err := row(&u.AnswerID, &u.ParticipantID, &u.Invitation, &u.Browser, instant{&u.ExpiresAt}, &u.Seen, instant{&u.FirstReading})
		return u, err
	}, `select answer_id, participant_id, invitation, browser, expires_at, seen, first_reading
		from unconfirmed join token_answers using (answer_id) where `+where+" order by answer_id", args...)
}

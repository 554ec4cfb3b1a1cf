package state

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// An OAuthState is a consent that was begun: whoever comes back with the state
// is this participant.
type OAuthState struct {
	Hash          string // of the state; the state itself is nowhere
	ParticipantID string
	Region        string
	RedirectURI   string
	Invitation    string    // hash of the link that led here; "": none
	CreatedAt     time.Time // UTC, as are all
	ExpiresAt     time.Time

	usedAt time.Time
	seal   string // see ownState
}

// A StateReason says, after "the consent link", why it is not accepted.
type StateReason string

// The reasons. A state is forgotten a day after its end, and unknown then.
const (
	StateMissing StateReason = "came back without its state"
	StateUnknown StateReason = "is not known"
	StateUsed    StateReason = "was used already"
	StateExpired StateReason = "has expired"
	StateRevoked StateReason = "was revoked by the study" // the link that led here was
)

// A StateError says why a state that came back is not accepted.
type StateError struct{ Reason StateReason }

func (e *StateError) Error() string { return "the consent link " + string(e.Reason) }

// PutState stores a consent that begins and forgets those a day past their
// end. Of a participant who has withdrawn: *WithdrawnError.
func (s *Store) PutState(ctx context.Context, o OAuthState) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := standing(ctx, tx, o.ParticipantID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from oauth_states where expires_at < ?", micros(s.now().Add(-24*time.Hour)))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `insert into oauth_states (state_hash, participant_id, region, redirect_uri, invitation, created_at, expires_at, used_at, seal)
			values (?, ?, ?, ?, ?, ?, ?, null, ?)`, o.Hash, o.ParticipantID, o.Region, o.RedirectURI, o.Invitation, micros(s.now()), micros(o.ExpiresAt),
			s.sealOf(ownedConsent, o.owned()...))
		return err
	})
}

// UseState ends the consent with this hash and returns it: once, and only with
// room for the tokens to come. An unknown, used or expired one is a
// *StateError, and so is one whose link has connected the participant
// meanwhile or was revoked; one that was edited is an *OwnerError.
func (s *Store) UseState(ctx context.Context, hash string) (OAuthState, error) {
	if err := s.reserve(); err != nil {
		return OAuthState{}, err
	}
	var o OAuthState
	err := s.write(ctx, func(tx *sql.Tx) error {
		var err error
		o, err = one(ctx, tx, scanState, selectStates+" where state_hash = ?", hash)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return &StateError{StateUnknown}
		case err != nil:
			return err
		case !o.usedAt.IsZero():
			return &StateError{StateUsed}
		case !s.now().Before(o.ExpiresAt):
			return &StateError{StateExpired}
		}
		if err := s.ownState(o); err != nil {
			return err
		}
		if err := s.checkInvitation(ctx, tx, o); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "update oauth_states set used_at = ? where state_hash = ?", micros(s.now()), hash)
		return err
	})
	return o, err
}

const selectStates = "select state_hash, participant_id, region, redirect_uri, invitation, created_at, expires_at, used_at, seal from oauth_states"

func scanState(row func(...any) error) (OAuthState, error) {
	var o OAuthState
	err := row(&o.Hash, &o.ParticipantID, &o.Region, &o.RedirectURI, &o.Invitation,
		instant{&o.CreatedAt}, instant{&o.ExpiresAt}, instant{&o.usedAt}, &o.seal)
	return o, err
}

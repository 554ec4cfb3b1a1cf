package consent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// An oauthState is a consent that was begun: whoever comes back with the state
// is this participant.
type oauthState struct {
	Hash          string // of the state; the state itself is nowhere
	ParticipantID string
	Region        string
	RedirectURI   string
	Invitation    string    // hash of the link that led here; "": none
	Browser       string    // keyed hash of the cookie of the browser that began it; "": nobody knows which did
	CreatedAt     time.Time // UTC, as are all
	ExpiresAt     time.Time

	usedAt time.Time
	seal   string // see ownedRow
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
	// StateElsewhere is for an address that was pasted.
	StateElsewhere StateReason = "was begun at the study's pages, in a browser that has to come back to them"
)

// A StateError says why a state that came back is not accepted.
type StateError struct{ Reason StateReason }

func (e *StateError) Error() string { return "the consent link " + string(e.Reason) }

// A link begins at most beginsPerLink consents in the time of one: a person needs
// a few, and each may cost a request for tokens.
const (
	beginsPerLink = 10
	beginsWithin  = time.Hour
)

// A TooOftenError says that a link began so many consents lately that it has to
// rest. Nothing was changed.
type TooOftenError struct {
	ParticipantID string
	Until         time.Time // UTC
}

func (e *TooOftenError) Error() string {
	return fmt.Sprintf("participant %s: the link began %d consents within an hour and rests until %s", e.ParticipantID, beginsPerLink, e.Until.Format(time.RFC3339))
}

// mayBegin says why a link may begin no further consent now.
func (cn *Connecting) mayBegin(ctx context.Context, q state.Querier, o oauthState) error {
	if o.Invitation == "" {
		return nil
	}
	began, err := state.Collect(ctx, q, state.ScanInstant, "select created_at from oauth_states where invitation = ? and created_at > ? order by created_at",
		o.Invitation, state.Micros(cn.register.now().Add(-beginsWithin)))
	if err != nil || len(began) < beginsPerLink {
		return err
	}
	return &TooOftenError{o.ParticipantID, began[len(began)-beginsPerLink].Add(beginsWithin)}
}

// putState stores a consent that begins and forgets those a day past their
// end. Of a participant who has withdrawn: *cohort.WithdrawnError; of a link that began
// too many: *TooOftenError.
func (cn *Connecting) putState(ctx context.Context, o oauthState) error {
	if err := cn.mayBegin(ctx, cn.register.Store, o); err != nil {
		return err // without the lock that a write takes
	}
	return cn.register.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := cn.mayBegin(ctx, tx, o); err != nil {
			return err
		}
		if err := cohort.StandingIn(ctx, tx, o.ParticipantID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from oauth_states where expires_at < ?", state.Micros(cn.register.now().Add(-24*time.Hour)))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `insert into oauth_states (state_hash, participant_id, region, redirect_uri, invitation, browser, created_at, expires_at, used_at, seal)
			values (?, ?, ?, ?, ?, ?, ?, ?, null, ?)`, o.Hash, o.ParticipantID, o.Region, o.RedirectURI, o.Invitation, o.Browser, state.Micros(cn.register.now()), state.Micros(o.ExpiresAt),
			cn.register.sealOf(o))
		return err
	})
}

// state returns the consent with this hash if useState would, and changes
// nothing: what comes back from nowhere costs no write.
func (cn *Connecting) state(ctx context.Context, hash string) (oauthState, error) {
	return cn.usable(ctx, cn.register.Store, hash)
}

// useState ends the consent with this hash and returns it: once, and only with
// room for the tokens to come. An unknown, used or expired one is a
// *StateError, and so is one whose link has connected the participant
// meanwhile or was revoked; one that was edited is an *OwnerError.
func (cn *Connecting) useState(ctx context.Context, hash string) (o oauthState, err error) {
	if err := cn.register.Store.Reserve(); err != nil {
		return oauthState{}, err
	}
	err = cn.register.Store.Write(ctx, func(tx *sql.Tx) error {
		if o, err = cn.usable(ctx, tx, hash); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "update oauth_states set used_at = ? where state_hash = ?", state.Micros(cn.register.now()), hash)
		return err
	})
	return o, err
}

func (cn *Connecting) usable(ctx context.Context, q state.Querier, hash string) (oauthState, error) {
	o, err := state.One(ctx, q, scanState, selectStates+" where state_hash = ?", hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return o, &StateError{StateUnknown}
	case err != nil:
		return o, err
	case !o.usedAt.IsZero():
		return o, &StateError{StateUsed}
	case !cn.register.now().Before(o.ExpiresAt):
		return o, &StateError{StateExpired}
	}
	if err := cn.register.own(o); err != nil {
		return o, err
	}
	return o, cn.links.checkInvitation(ctx, q, o.Invitation)
}

const selectStates = "select state_hash, participant_id, region, redirect_uri, invitation, browser, created_at, expires_at, used_at, seal from oauth_states"

func scanState(row func(...any) error) (oauthState, error) {
	var o oauthState
	err := row(&o.Hash, &o.ParticipantID, &o.Region, &o.RedirectURI, &o.Invitation, &o.Browser,
		state.Instant(&o.CreatedAt), state.Instant(&o.ExpiresAt), state.Instant(&o.usedAt), &o.seal)
	return o, err
}

package state

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// An Invitation is a link by which a participant may connect. It works until
// it expires, is revoked, or its participant has connected. Times are UTC;
// those of events are zero until the event happened, and say when first.
type Invitation struct {
	Hash          string // keyed hash of the token in the link; the token itself is nowhere
	ParticipantID string
	CreatedAt     time.Time
	ExpiresAt     time.Time
	OpenedAt      time.Time
	DeniedAt      time.Time // the person chose not to share
	DoubtedAt     time.Time // whoever signed in last did not say that the account is theirs
	ConnectedAt   time.Time // by this link or in another way
	RevokedAt     time.Time

	seal string // see ownInvitation
}

// ErrNoInvitation says that no invitation has this hash.
var ErrNoInvitation = errors.New("no such invitation")

// PutInvitations stores invitations, all or none. Hash, participant and expiry
// are the caller's.
func (s *Store) PutInvitations(ctx context.Context, list []Invitation) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, i := range list {
			_, err := tx.ExecContext(ctx, "insert into invitations (token_hash, participant_id, created_at, expires_at, seal) values (?, ?, ?, ?, ?)",
				i.Hash, i.ParticipantID, micros(i.CreatedAt), micros(i.ExpiresAt), s.sealOf(ownedLink, i.owned()...))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Invitation returns the invitation with this hash, or ErrNoInvitation; one that was
// edited is an *OwnerError.
func (s *Store) Invitation(ctx context.Context, hash string) (Invitation, error) {
	i, err := invitationIn(ctx, s.db, hash)
	if err == nil {
		err = s.ownInvitation(i)
	}
	return i, err
}

// Invitations lists all invitations in order of participant and age.
func (s *Store) Invitations(ctx context.Context) ([]Invitation, error) {
	return collect(ctx, s.db, scanInvitation, selectInvitations+" order by participant_id, created_at, rowid")
}

// InvitationOpened records that the link was opened, the first time.
func (s *Store) InvitationOpened(ctx context.Context, hash string) error {
	_, err := s.db.ExecContext(ctx, "update invitations set opened_at = ? where token_hash = ? and opened_at is null", micros(s.now()), hash)
	return err
}

// InvitationDenied records that whoever followed the link chose not to share.
func (s *Store) InvitationDenied(ctx context.Context, hash string) error {
	_, err := s.db.ExecContext(ctx, "update invitations set denied_at = ? where token_hash = ? and denied_at is null", micros(s.now()), hash)
	return err
}

// EndInvitations records that a participant has connected: their links, which
// lie about in mailboxes, have done their work, whichever of them led there.
func (s *Store) EndInvitations(ctx context.Context, participantID string) error {
	_, err := s.db.ExecContext(ctx, `update invitations set connected_at = ?
		where participant_id = ? and connected_at is null and revoked_at is null`, micros(s.now()), participantID)
	return err
}

// RevokeInvitations ends all links of a participant that still work and
// returns how many there were. What somebody who followed one of them was still to
// confirm is destroyed.
func (s *Store) RevokeInvitations(ctx context.Context, participantID string) (int, error) {
	n, err := s.revokeInvitations(ctx, participantID)
	if err != nil {
		return 0, err
	}
	gone, err := s.endUnconfirmed(ctx, EndingClosed, "participant_id = ? and invitation in (select token_hash from invitations where revoked_at is not null)", participantID)
	if err == nil && len(gone) > 0 {
		_, err = s.Scrub(ctx)
	}
	return n, err
}

func (s *Store) revokeInvitations(ctx context.Context, participantID string) (int, error) {
	now := micros(s.now())
	res, err := s.db.ExecContext(ctx, `update invitations set revoked_at = ?1
		where participant_id = ?2 and connected_at is null and revoked_at is null and expires_at > ?1`, now, participantID)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// LinkWorks is nil if a consent to which the link with a hash led may still end well,
// "" being no link; else a *StateError.
func (s *Store) LinkWorks(ctx context.Context, hash string) error {
	return s.checkInvitation(ctx, s.db, hash)
}

// checkInvitation says whether a consent that a link led to may still end well.
// A link that expired meanwhile was in time.
func (s *Store) checkInvitation(ctx context.Context, q querier, hash string) error {
	if hash == "" {
		return nil
	}
	i, err := invitationIn(ctx, q, hash)
	switch {
	case err == nil && s.ownInvitation(i) != nil:
		return s.ownInvitation(i)
	case errors.Is(err, ErrNoInvitation), err == nil && !i.RevokedAt.IsZero():
		return &StateError{StateRevoked}
	case err == nil && !i.ConnectedAt.IsZero():
		return &StateError{StateUsed}
	}
	return err
}

const selectInvitations = `select token_hash, participant_id, created_at, expires_at, opened_at, denied_at,
	doubted_at, connected_at, revoked_at, seal from invitations`

func invitationIn(ctx context.Context, q querier, hash string) (Invitation, error) {
	i, err := one(ctx, q, scanInvitation, selectInvitations+" where token_hash = ?", hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoInvitation
	}
	return i, err
}

func scanInvitation(row func(...any) error) (Invitation, error) {
	var i Invitation
	err := row(&i.Hash, &i.ParticipantID, instant{&i.CreatedAt}, instant{&i.ExpiresAt}, instant{&i.OpenedAt},
		instant{&i.DeniedAt}, instant{&i.DoubtedAt}, instant{&i.ConnectedAt}, instant{&i.RevokedAt}, &i.seal)
	return i, err
}

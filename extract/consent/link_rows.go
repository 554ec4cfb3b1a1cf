package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/state"
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

	ByProgram bool   // a program made it for somebody who is in it: see Issue
	ReturnTo  string // where the browser goes in the end, for that; "": our page

	seal string // see ownedRow
}

// errNoInvitation says that no invitation has this hash.
var errNoInvitation = errors.New("no such invitation")

// putInvitations stores invitations, all or none. Hash, participant and expiry
// are the caller's.
func (ls *Links) putInvitations(ctx context.Context, list []Invitation) error {
	return ls.register.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, i := range list {
			if err := ls.insertInvitation(ctx, tx, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func (ls *Links) insertInvitation(ctx context.Context, tx *sql.Tx, i Invitation) error {
	_, err := tx.ExecContext(ctx, "insert into invitations (token_hash, participant_id, created_at, expires_at, seal) values (?, ?, ?, ?, ?)",
		i.Hash, i.ParticipantID, state.Micros(i.CreatedAt), state.Micros(i.ExpiresAt), ls.register.sealOf(i))
	return err
}

// invitation returns the invitation with this hash, or errNoInvitation; one that was
// edited is an *OwnerError.
func (ls *Links) invitation(ctx context.Context, hash string) (Invitation, error) {
	i, err := invitationIn(ctx, ls.register.Store, hash)
	if err == nil {
		err = ls.register.own(i)
	}
	return i, err
}

// Invitations lists all invitations in order of participant and age. Of the links that a
// program made, it has those to which somebody said no.
func (r *Register) Invitations(ctx context.Context) ([]Invitation, error) {
	return r.invitations(ctx, "link_tokens.token_hash is null or denied_at is not null or doubted_at is not null")
}

func (r *Register) invitations(ctx context.Context, where string) ([]Invitation, error) {
	return state.Collect(ctx, r.Store, scanInvitation, selectInvitations+" where "+where+" order by participant_id, created_at, invitations.rowid")
}

// invitationOpened records that the link was opened, the first time.
func (ls *Links) invitationOpened(ctx context.Context, hash string) error {
	return ls.mark(ctx, "opened_at", "token_hash = ? and opened_at is null", hash)
}

// invitationDenied records that whoever followed the link chose not to share.
func (ls *Links) invitationDenied(ctx context.Context, hash string) error {
	return ls.mark(ctx, "denied_at", "token_hash = ? and denied_at is null", hash)
}

// endInvitations records that a participant has connected: their links, which
// lie about in mailboxes, have done their work, whichever of them led there.
func (ls *Links) endInvitations(ctx context.Context, participantID string) error {
	return ls.mark(ctx, "connected_at", "participant_id = ? and connected_at is null and revoked_at is null", participantID)
}

// mark writes now into a column of the links that where says.
func (ls *Links) mark(ctx context.Context, column, where, id string) error {
	_, err := ls.register.Store.Exec(ctx, "update invitations set "+column+" = ? where "+where, state.Micros(ls.register.now()), id)
	return err
}

// RevokeInvitations ends all links of a participant that still work and
// returns how many there were. What somebody who followed one of them was still to
// confirm is destroyed.
func (r *Register) RevokeInvitations(ctx context.Context, participantID string) (int, error) {
	n, err := r.revokeInvitations(ctx, participantID)
	if err != nil {
		return 0, err
	}
	gone, err := r.endUnconfirmed(ctx, fateClosed, "participant_id = ? and invitation in (select token_hash from invitations where revoked_at is not null)", participantID)
	if err == nil && len(gone) > 0 {
		_, err = r.Store.Scrub(ctx)
	}
	return n, err
}

func (r *Register) revokeInvitations(ctx context.Context, participantID string) (int, error) {
	now := state.Micros(r.now())
	res, err := r.Store.Exec(ctx, `update invitations set revoked_at = ?1
		where participant_id = ?2 and connected_at is null and revoked_at is null and expires_at > ?1`, now, participantID)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// linkWorks is nil if a consent to which the link with a hash led may still end well,
// "" being no link; else a *StateError.
func (ls *Links) linkWorks(ctx context.Context, hash string) error {
	return ls.checkInvitation(ctx, ls.register.Store, hash)
}

// checkInvitation says whether a consent that a link led to may still end well.
// A link that expired meanwhile was in time.
func (ls *Links) checkInvitation(ctx context.Context, q state.Querier, hash string) error {
	if hash == "" {
		return nil
	}
	i, err := invitationIn(ctx, q, hash)
	switch {
	case err == nil && ls.register.own(i) != nil:
		return ls.register.own(i)
	case errors.Is(err, errNoInvitation), err == nil && !i.RevokedAt.IsZero():
		return &StateError{StateRevoked}
	case err == nil && !i.ConnectedAt.IsZero():
		return &StateError{StateUsed}
	}
	return err
}

const selectInvitations = `select token_hash, participant_id, created_at, expires_at, opened_at, denied_at,
	doubted_at, connected_at, revoked_at, link_tokens.token_hash is not null, coalesce(return_to, ''), seal
	from invitations left join link_tokens using (token_hash)`

func invitationIn(ctx context.Context, q state.Querier, hash string) (Invitation, error) {
	i, err := state.One(ctx, q, scanInvitation, selectInvitations+" where token_hash = ?", hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoInvitation
	}
	return i, err
}

func scanInvitation(row func(...any) error) (Invitation, error) {
	var i Invitation
	err := row(&i.Hash, &i.ParticipantID, state.Instant(&i.CreatedAt), state.Instant(&i.ExpiresAt), state.Instant(&i.OpenedAt),
		state.Instant(&i.DeniedAt), state.Instant(&i.DoubtedAt), state.Instant(&i.ConnectedAt), state.Instant(&i.RevokedAt),
		&i.ByProgram, &i.ReturnTo, &i.seal)
	return i, err
}

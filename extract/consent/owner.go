package consent

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/dexetl/dexetl/extract/state"
)

// Whose data an answer becomes is decided by rows: which pair of tokens is of which
// connection, and that of which participant and account. Whoever edits state.db, or
// restores a part of it, could exchange two people. So each of these rows carries a
// keyed hash of what it joins: its seal. Who has no key can neither make one nor move
// one to another row.

// What a seal is about, as an OwnerError names it.
const (
	ownedConnection = "connection"
	ownedTokens     = "tokens"
	ownedAnswer     = "token answer"
	ownedConsent    = "consent begun"
	ownedLink       = "link"
)

// An OwnerError says that a row is not as the program wrote it: what it holds was
// another's, or its owner was edited. Nothing of it is used.
type OwnerError struct {
	ParticipantID string // whose it claims to be
	ConnectionID  string // "": of none
	Kind          string // connection, tokens, token answer, consent begun, link
	Aside         bool   // of a new grant, in whose way such a connection stands: it is kept aside as ConnectionID
}

func (e *OwnerError) Error() string {
	if e.Aside {
		return fmt.Sprintf("participant %s: a connection of this account or participant was edited in state.db, so nobody knows whose it was; the new consent waits until somebody confirms it", e.ParticipantID)
	}
	return fmt.Sprintf("participant %s: the stored %s cannot be shown to be theirs, so nothing of it is used: state.db was edited, or a part of it restored", e.ParticipantID, e.Kind)
}

func (c Connection) owned() []string {
	return []string{c.ID, c.ParticipantID, c.Region, c.AccountHash}
}
func (t Tokens) owned() []string { return []string{t.ConnectionID, t.RefreshHash, t.PreviousHash} }

func (a TokenAnswer) owned() []string {
	sum := sha256.Sum256(a.Sealed)
	return []string{a.ID, a.ConnectionID, a.ParticipantID, a.Region, a.OldHash, fmt.Sprint(a.HTTPStatus), hex.EncodeToString(sum[:]), a.waits}
}

func (o OAuthState) owned() []string {
	return []string{o.Hash, o.ParticipantID, o.Region, o.RedirectURI, o.Invitation, o.Browser}
}
func (i Invitation) owned() []string { return []string{i.Hash, i.ParticipantID} }

// OwnConnection is nil if c is the participant's and the account's that it says,
// else *OwnerError.
func (r *Register) OwnConnection(c Connection) error {
	if r.Store.Owns(c.seal, ownedConnection, c.owned()...) {
		return nil
	}
	return &OwnerError{ParticipantID: c.ParticipantID, ConnectionID: c.ID, Kind: ownedConnection}
}

// OwnTokens is nil if t is c's and c is its participant's, else *OwnerError. That the
// sealed pairs are those of the hashes is for who can open them.
func (r *Register) OwnTokens(c Connection, t Tokens) error {
	if err := r.OwnConnection(c); err != nil {
		return err
	}
	if t.ConnectionID == c.ID && r.Store.Owns(t.seal, ownedTokens, t.owned()...) {
		return nil
	}
	return NotTheirs(c)
}

// NotTheirs is the error of tokens that are not c's.
func NotTheirs(c Connection) *OwnerError {
	return &OwnerError{ParticipantID: c.ParticipantID, ConnectionID: c.ID, Kind: ownedTokens}
}

// OwnAnswer is nil if what a has sealed was the answer to this participant's
// request, else *OwnerError.
func (r *Register) OwnAnswer(a TokenAnswer) error {
	if r.Store.Owns(a.seal, ownedAnswer, a.owned()...) {
		return nil
	}
	return &OwnerError{ParticipantID: a.ParticipantID, ConnectionID: a.ConnectionID, Kind: ownedAnswer}
}

func (r *Register) ownState(o OAuthState) error {
	if r.Store.Owns(o.seal, ownedConsent, o.owned()...) {
		return nil
	}
	return &OwnerError{ParticipantID: o.ParticipantID, Kind: ownedConsent}
}

func (r *Register) ownInvitation(i Invitation) error {
	if r.Store.Owns(i.seal, ownedLink, i.owned()...) {
		return nil
	}
	return &OwnerError{ParticipantID: i.ParticipantID, Kind: ownedLink}
}

// sealConnection seals a connection as it stands in the transaction.
func (r *Register) sealConnection(ctx context.Context, tx *sql.Tx, id string) error {
	c, err := connectionIn(ctx, tx, id)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "update connections set seal = ? where connection_id = ?", r.Store.Seal(ownedConnection, c.owned()...), id)
	return err
}

// sealTokens seals a connection's tokens as they stand in the transaction, if it has
// any. They were its own before.
func (r *Register) sealTokens(ctx context.Context, tx *sql.Tx, id string) error {
	t, err := state.One(ctx, tx, scanTokens, selectTokens, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "update tokens set seal = ? where connection_id = ?", r.Store.Seal(ownedTokens, t.owned()...), id)
	return err
}

// ownedIn is nil if a connection and its tokens, if it has any, are a participant's.
func (r *Register) ownedIn(ctx context.Context, tx *sql.Tx, id, participant string) error {
	c, err := connectionIn(ctx, tx, id)
	if errors.Is(err, ErrNoConnection) {
		return nil // nothing is there to be another's
	}
	if err != nil {
		return err
	}
	if c.ParticipantID != participant && r.Store.Sealing() {
		return &OwnerError{ParticipantID: participant, ConnectionID: id, Kind: ownedConnection}
	}
	t, err := state.One(ctx, tx, scanTokens, selectTokens, id)
	if errors.Is(err, sql.ErrNoRows) {
		return r.OwnConnection(c)
	}
	if err != nil {
		return err
	}
	return r.OwnTokens(c, t)
}

// dropDisowned deletes kept answers that claim to be a participant's and are not: a
// new consent has come.
func (r *Register) dropDisowned(ctx context.Context, tx *sql.Tx, participant string) error {
	answers, err := state.Collect(ctx, tx, scanAnswer, selectAnswers+" where participant_id = ?", participant)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if r.OwnAnswer(a) == nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", a.ID); err != nil {
			return err
		}
	}
	return nil
}

// NoteMended takes back NoteOwner and NoteDamage: the tokens can be used after all, as
// after a backup was restored.
func (r *Register) NoteMended(ctx context.Context, id string) error {
	_, err := r.Store.Exec(ctx, "update connections set last_error = '' where connection_id = ? and last_error in (?, ?)", id, NotOwned, TokensDamaged)
	return err
}

// NoteOwner records that a connection, or its tokens, are not the participant's,
// until other tokens come.
func (r *Register) NoteOwner(ctx context.Context, id string) error {
	return r.noteError(ctx, id, NotOwned)
}

// Disowned are all rows still in use that are not their participants':
// what the key of BindKey can tell without opening what is sealed.
func (r *Register) Disowned(ctx context.Context) (found []*OwnerError, err error) {
	note := func(err error) {
		if e, ok := errors.AsType[*OwnerError](err); ok {
			found = append(found, e)
		}
	}
	connections, err := r.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range connections {
		t, err := r.Tokens(ctx, c.ID)
		switch {
		case errors.Is(err, ErrNoConnection):
			note(r.OwnConnection(c))
		case err != nil:
			return nil, err
		default:
			note(r.OwnTokens(c, t))
		}
	}
	answers, err := r.Answers(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		note(r.OwnAnswer(a))
	}
	states, err := state.Collect(ctx, r.Store, scanState, selectStates+" where used_at is null and expires_at > ?", state.Micros(r.now()))
	if err != nil {
		return nil, err
	}
	for _, o := range states {
		note(r.ownState(o))
	}
	links, err := r.Invitations(ctx)
	for _, i := range links {
		if i.ConnectedAt.IsZero() && i.RevokedAt.IsZero() && i.ExpiresAt.After(r.now()) {
			note(r.ownInvitation(i))
		}
	}
	return found, err
}

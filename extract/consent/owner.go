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

// An ownedRow is a row with a seal: where it is, whose it claims to be, and what its seal
// joins.
type ownedRow struct {
	kind, table, column, id   string
	participant, connectionID string
	seal                      string
	parts                     []string
}

// An owned value was read from such a row.
type owned interface{ row() ownedRow }

func (c Connection) row() ownedRow {
	return ownedRow{ownedConnection, "connections", "connection_id", c.ID, c.ParticipantID, c.ID, c.seal,
		[]string{c.ID, c.ParticipantID, c.Region, c.AccountHash}}
}

// row is of nobody: whose the connection is, is in another row.
func (t SealedTokens) row() ownedRow {
	previous := sha256.Sum256(t.Previous)
	return ownedRow{ownedTokens, "tokens", "connection_id", t.ConnectionID, "", t.ConnectionID, t.seal,
		append(t.olderParts(), hex.EncodeToString(previous[:]))}
}

// olderParts are what a seal of tokens joined until schema 8: the pair before was
// bound by its hash alone, which takes the key to tell.
func (t SealedTokens) olderParts() []string {
	return []string{t.ConnectionID, t.RefreshHash, t.PreviousHash}
}

func (a tokenAnswer) row() ownedRow {
	sum := sha256.Sum256(a.Sealed)
	return ownedRow{ownedAnswer, "token_answers", "answer_id", a.ID, a.ParticipantID, a.ConnectionID, a.seal,
		[]string{a.ID, a.ConnectionID, a.ParticipantID, a.Region, a.OldHash, fmt.Sprint(a.HTTPStatus), hex.EncodeToString(sum[:]), a.waits}}
}

func (o oauthState) row() ownedRow {
	return ownedRow{ownedConsent, "oauth_states", "state_hash", o.Hash, o.ParticipantID, "", o.seal,
		[]string{o.Hash, o.ParticipantID, o.Region, o.RedirectURI, o.Invitation, o.Browser}}
}

func (i Invitation) row() ownedRow {
	return ownedRow{ownedLink, "invitations", "token_hash", i.Hash, i.ParticipantID, "", i.seal, []string{i.Hash, i.ParticipantID}}
}

// own is nil if v is the participant's that it says, else *OwnerError.
func (r *Register) own(v owned) error {
	row := v.row()
	if r.Store.Owns(row.seal, row.kind, row.parts...) {
		return nil
	}
	return &OwnerError{ParticipantID: row.participant, ConnectionID: row.connectionID, Kind: row.kind}
}

// sealOf is the seal of v as it stands.
func (r *Register) sealOf(v owned) string {
	row := v.row()
	return r.Store.Seal(row.kind, row.parts...)
}

// ownTokens is nil if t is c's and c is its participant's, else *OwnerError. That the
// sealed pairs are those of the hashes is for who can open them.
func (r *Register) ownTokens(c Connection, t SealedTokens) error {
	if err := r.own(c); err != nil {
		return err
	}
	if t.ConnectionID == c.ID && (r.own(t) == nil || r.older(t)) {
		return nil
	}
	return NotTheirs(c)
}

// older reports whether t has a seal of the older form: the pair before is for who can
// open it.
func (r *Register) older(t SealedTokens) bool {
	return r.Store.Owns(t.seal, ownedTokens, t.olderParts()...)
}

// ownGrant is ownTokens of the tokens that c has, and own if it has none.
func (r *Register) ownGrant(ctx context.Context, q state.Querier, c Connection) error {
	t, held, err := tokensIn(ctx, q, c.ID)
	switch {
	case err != nil:
		return err
	case held:
		return r.ownTokens(c, t)
	}
	return r.own(c)
}

// NotTheirs is the error of tokens that are not c's.
func NotTheirs(c Connection) *OwnerError {
	return &OwnerError{ParticipantID: c.ParticipantID, ConnectionID: c.ID, Kind: ownedTokens}
}

// putSeal seals v with k as it stands, in a transaction.
func putSeal(ctx context.Context, tx *sql.Tx, k state.Keyed, v owned) error {
	row := v.row()
	_, err := tx.ExecContext(ctx, "update "+row.table+" set seal = ? where "+row.column+" = ?", k(row.kind, row.parts...), row.id)
	return err
}

// sealConnection seals a connection as it stands in the transaction.
func (r *Register) sealConnection(ctx context.Context, tx *sql.Tx, id string) error {
	c, err := connectionIn(ctx, tx, id)
	if err != nil {
		return err
	}
	return putSeal(ctx, tx, r.Store.Seal, c)
}

// sealTokens seals a connection's tokens as they stand in the transaction, if it has
// any. They were its own before.
func (r *Register) sealTokens(ctx context.Context, tx *sql.Tx, id string) error {
	t, held, err := tokensIn(ctx, tx, id)
	if err != nil || !held {
		return err
	}
	return putSeal(ctx, tx, r.Store.Seal, t)
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
	return r.ownGrant(ctx, tx, c)
}

// dropDisowned deletes kept answers that claim to be a participant's and are not: a
// new consent has come.
func (r *Register) dropDisowned(ctx context.Context, tx *sql.Tx, participant string) error {
	answers, err := state.Collect(ctx, tx, scanAnswer, selectAnswers+" where participant_id = ?", participant)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if r.own(a) == nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", a.ID); err != nil {
			return err
		}
	}
	return nil
}

// noteMended takes back noteOwner and noteDamage: the tokens can be used after all, as
// after a backup was restored.
func (r *Register) noteMended(ctx context.Context, id string) error {
	_, err := r.Store.Exec(ctx, "update connections set last_error = '' where connection_id = ? and last_error in (?, ?)", id, NotOwned, TokensDamaged)
	return err
}

// noteOwner records that a connection, or its tokens, are not the participant's,
// until other tokens come.
func (r *Register) noteOwner(ctx context.Context, id string) error {
	return r.noteError(ctx, id, NotOwned)
}

// Disowned are all rows still in use that are not their participants':
// what the key of bindKey can tell without opening what is sealed.
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
	tokens, err := r.allTokens(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range connections {
		if t, held := tokens[c.ID]; held {
			note(r.ownTokens(c, t))
		} else {
			note(r.own(c))
		}
	}
	answers, err := r.Answers(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		note(r.own(a))
	}
	states, err := state.Collect(ctx, r.Store, scanState, selectStates+" where used_at is null and expires_at > ?", state.Micros(r.now()))
	if err != nil {
		return nil, err
	}
	for _, o := range states {
		note(r.own(o))
	}
	links, err := r.invitations(ctx, "true")
	for _, i := range links {
		if i.ConnectedAt.IsZero() && i.RevokedAt.IsZero() && i.ExpiresAt.After(r.now()) {
			note(r.own(i))
		}
	}
	return found, err
}

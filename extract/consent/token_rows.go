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

// SealedTokens are a connection's token pairs, sealed by the caller, and where its
// refreshes stand. Times are UTC.
type SealedTokens struct {
	ConnectionID string
	Grant
	Previous []byte // sealed pair spent to get Current, until Current is spent well; nil: none
	// PreviousHash is the keyed hash of its refresh token; "" if nobody could tell.
	PreviousHash string
	Failures     int       // refreshes without a usable answer since the last good one
	Refusals     int       // answers invalid_grant since the last good refresh
	RetryAt      time.Time // no refresh before; zero: at any time

	seal string // see ownedRow
}

// A Grant is one pair of tokens.
type Grant struct {
	Current         []byte    // sealed pair
	RefreshHash     string    // keyed hash of its refresh token
	AccessIssuedAt  time.Time // by our clock; zero: the pair holds no access token
	AccessExpiresAt time.Time
}

// A tokenAnswer is what the token endpoint said, sealed, kept before anybody
// reads it.
type tokenAnswer struct {
	ID            string // ULID, set by putAnswer
	ConnectionID  string // for a code: the connection that it will become
	ParticipantID string
	Region        string
	OldHash       string // of the refresh token spent; "" for a code
	HTTPStatus    int
	Sealed        []byte    // body as received
	ReceivedAt    time.Time // UTC

	// Unconfirmed marks an answer to a code that is not to be used before the
	// person said yes: see Confirm. Nil: it may be.
	Unconfirmed *Unconfirmed

	waits string // the browser that is asked, and the link; "": nobody is
	seal  string // see ownedRow
}

// errSuperseded says that the stored refresh token is no longer the one that
// the caller means.
var errSuperseded = errors.New("refresh token superseded")

// Tokens returns a connection's tokens, or ErrNoConnection.
func (r *Register) Tokens(ctx context.Context, connectionID string) (SealedTokens, error) {
	t, held, err := tokensIn(ctx, r.Store, connectionID)
	if err == nil && !held {
		err = noTokens(connectionID)
	}
	return t, err
}

func noTokens(connectionID string) error {
	return fmt.Errorf("tokens of connection %s: %w", connectionID, ErrNoConnection)
}

// sealed returns a connection and its tokens, if it has any, without the pair that is
// sealed in them; or ErrNoConnection.
func (r *Register) sealed(ctx context.Context, connectionID string) (h held, err error) {
	h, err = state.One(ctx, r.Store, scanHeld, selectHeld, connectionID)
	if errors.Is(err, sql.ErrNoRows) { // there are no tokens, or nothing at all
		h.Connection, err = r.Connection(ctx, connectionID)
	}
	return h, err
}

// tokensIn returns a connection's tokens; false: it has none.
func tokensIn(ctx context.Context, q state.Querier, connectionID string) (t SealedTokens, held bool, err error) {
	t, err = state.One(ctx, q, scanTokens, selectTokens+" where connection_id = ?", connectionID)
	if errors.Is(err, sql.ErrNoRows) {
		return t, false, nil
	}
	return t, err == nil, err
}

// allTokens are everybody's, by connection.
func (r *Register) allTokens(ctx context.Context) (map[string]SealedTokens, error) {
	all, err := state.Collect(ctx, r.Store, scanTokens, selectTokens)
	byConnection := make(map[string]SealedTokens, len(all))
	for _, t := range all {
		byConnection[t.ConnectionID] = t
	}
	return byConnection, err
}

const (
	tokenColumns = `tokens.connection_id, current, refresh_hash, access_issued_at, access_expires_at,
	previous, previous_hash, failures, refusals, retry_at, tokens.seal`
	selectTokens = "select " + tokenColumns + " from tokens"
	selectHeld   = "select " + connectionColumns + ", " + tokenColumns + " from connections join tokens using (connection_id) where connections.connection_id = ?"
)

func (t *SealedTokens) columns() []any {
	return []any{&t.ConnectionID, &t.Current, &t.RefreshHash, state.Instant(&t.AccessIssuedAt), state.Instant(&t.AccessExpiresAt),
		&t.Previous, &t.PreviousHash, &t.Failures, &t.Refusals, state.Instant(&t.RetryAt), &t.seal}
}

func scanTokens(row func(...any) error) (t SealedTokens, err error) {
	err = row(t.columns()...)
	return t, err
}

func scanHeld(row func(...any) error) (h held, err error) {
	err = row(append(h.Connection.columns(), h.SealedTokens.columns()...)...)
	return h, err
}

// beginRefresh commits the intent to spend the refresh token with hash
// oldHash: proof that the store can be written before a token is spent, with
// room for the answer; else *state.DiskError. The lease must be held, and is extended;
// else state.ErrLeaseLost. If the stored token is another,
// errSuperseded.
func (ts *Tokens) beginRefresh(ctx context.Context, connectionID string, lease state.Lease, oldHash string) error {
	if err := ts.register.Store.Reserve(); err != nil {
		return err
	}
	return ts.register.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := lease.ExtendIn(ctx, tx, leaseTTL); err != nil {
			return err
		}
		intent, err := tx.ExecContext(ctx, `insert into refresh_intents (connection_id, old_hash, created_at)
			select connection_id, refresh_hash, ? from tokens where connection_id = ? and refresh_hash = ?
			on conflict (connection_id) do update set old_hash = excluded.old_hash, created_at = excluded.created_at`,
			state.Micros(ts.register.now()), connectionID, oldHash)
		return state.Affected(intent, err, errSuperseded)
	})
}

// putAnswer makes an answer of the token endpoint durable and gives it an id.
// What comes after the participant's withdrawal is not kept: *cohort.WithdrawnError.
func (ts *Tokens) putAnswer(ctx context.Context, a tokenAnswer) (tokenAnswer, error) {
	kept := a
	kept.ID = ts.register.Store.NewID()
	if a.Unconfirmed != nil {
		kept.waits = a.Unconfirmed.Browser + " " + a.Unconfirmed.Invitation
	}
	kept.seal = ts.register.sealOf(kept)
	err := ts.register.Store.Received(ctx, func(tx *sql.Tx) error {
		if err := cohort.StandingIn(ctx, tx, a.ParticipantID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `insert into token_answers (answer_id, connection_id, participant_id, region, old_hash,
			http_status, sealed, received_at, unreadable, seal) values (?, ?, ?, ?, ?, ?, ?, ?, '', ?)`,
			kept.ID, a.ConnectionID, a.ParticipantID, a.Region, a.OldHash, a.HTTPStatus, a.Sealed, state.Micros(a.ReceivedAt), kept.seal)
		if err != nil || a.Unconfirmed == nil {
			return err
		}
		return putUnconfirmed(ctx, tx, kept.ID, *a.Unconfirmed)
	})
	if err != nil {
		return a, err
	}
	return kept, nil
}

// Answers lists the answers that wait to be used, oldest first: those of one
// connection, or all for "". Unconfirmed ones are not to be used.
func (r *Register) Answers(ctx context.Context, connectionID string) ([]tokenAnswer, error) {
	return state.Collect(ctx, r.Store, scanAnswer, selectAnswers+` where unreadable = '' and ? in ('', connection_id)
		and answer_id not in (select answer_id from unconfirmed) order by answer_id`, connectionID)
}

const selectAnswers = `select answer_id, connection_id, participant_id, region, old_hash, http_status, sealed, received_at, seal,
	coalesce((select browser || ' ' || invitation from unconfirmed where unconfirmed.answer_id = token_answers.answer_id), '') from token_answers`

func scanAnswer(row func(...any) error) (tokenAnswer, error) {
	var a tokenAnswer
	err := row(&a.ID, &a.ConnectionID, &a.ParticipantID, &a.Region, &a.OldHash, &a.HTTPStatus, &a.Sealed, state.Instant(&a.ReceivedAt), &a.seal, &a.waits)
	return a, err
}

// intents lists the connections whose refresh began and has no end on record.
func (ts *Tokens) intents(ctx context.Context) ([]string, error) {
	return state.Collect(ctx, ts.register.Store, state.ScanText, "select connection_id from refresh_intents order by connection_id")
}

// commitRefresh puts g in the place of the pair that answer a was got for, if
// that pair is still the stored one, and ends intent and answer. It reports
// whether g was taken: false means that the answer was used already or that a
// newer grant has come. If connection or tokens are not a's participant's, *OwnerError.
func (ts *Tokens) commitRefresh(ctx context.Context, a tokenAnswer, g Grant) (bool, error) {
	taken := false
	err := ts.register.Store.Received(ctx, func(tx *sql.Tx) error {
		if err := ts.register.ownedIn(ctx, tx, a.ConnectionID, a.ParticipantID); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `update tokens set previous = current, previous_hash = refresh_hash, current = ?, refresh_hash = ?,
			access_issued_at = ?, access_expires_at = ?, failures = 0, refusals = 0, retry_at = null, updated_at = ?
			where connection_id = ? and refresh_hash = ?`,
			g.Current, g.RefreshHash, state.Micros(g.AccessIssuedAt), state.Micros(g.AccessExpiresAt), state.Micros(ts.register.now()), a.ConnectionID, a.OldHash)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if taken = n == 1; err == nil && taken {
			err = ts.register.renewed(ctx, tx, a)
		}
		if err != nil {
			return err
		}
		if err := closeRefresh(ctx, tx, a); !errors.Is(err, errSuperseded) {
			return err
		}
		return nil
	})
	return taken && err == nil, err
}

// renewed records that answer a renewed the tokens of its connection.
func (r *Register) renewed(ctx context.Context, tx *sql.Tx, a tokenAnswer) error {
	if err := r.sealTokens(ctx, tx, a.ConnectionID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "update connections set renewed_at = ? where connection_id = ?", state.Micros(a.ReceivedAt), a.ConnectionID); err != nil {
		return err
	}
	return undoubted(ctx, tx, a.ConnectionID, Connected)
}

// closeRefresh deletes an answer that was used and the intent that led to it;
// errSuperseded if somebody else did before.
func closeRefresh(ctx context.Context, tx *sql.Tx, a tokenAnswer) error {
	if _, err := tx.ExecContext(ctx, "delete from refresh_intents where connection_id = ? and old_hash = ?", a.ConnectionID, a.OldHash); err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", a.ID)
	return state.Affected(res, err, errSuperseded)
}

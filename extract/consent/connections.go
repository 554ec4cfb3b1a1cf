package consent

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Status says whether a connection's grant works.
type Status string

// The statuses of a connection.
const (
	Connected      Status = "connected"
	AuthSuspect    Status = "auth_suspect"    // refused lately; tried again until it is certain
	NeedsReconsent Status = "needs_reconsent" // the person must consent again
	Exported       Status = "exported"        // another machine has the grant: it is not used here, though kept
	Ended          Status = "ended"           // no longer the participant's; holds no tokens
)

// A Connection ties a participant to a Dexcom account for a time. Times are
// UTC; fetching is clipped to [ValidFrom, ValidTo), a zero end is open.
type Connection struct {
	ID            string // ULID
	ParticipantID string
	Region        string // whose app holds the grant: us, eu, jp, sandbox
	AccountHash   string // keyed hash of the Dexcom userId; "" until the account was seen
	Status        Status
	Aside         bool // of an account that is not the participant's as far as we know; unused until somebody confirms it
	ValidFrom     time.Time
	ValidTo       time.Time
	CreatedAt     time.Time
	GrantedAt     time.Time // when the grant came that is used: later than CreatedAt after consenting again
	LastError     string    // why the last refresh failed; "" since it worked
	RefusedSince  time.Time // since when Dexcom refuses the grant; zero since it worked
	RefusedAt     time.Time // when it last did
	RefusedSaid   string    // in which words
	Unclear       bool      // it never said invalid_grant: whose fault that is, is open
	RenewedAt     time.Time // when the grant was last renewed; zero: never
	StrayedAt     time.Time // of a grant set aside: when an answer of another account came through it; zero: somebody signed in
	BegunBecause  string    // why it took over from another account or participant; "": nobody was asked
	EndedBecause  string    // why it ended; "": nobody said

	seal string // see ownedRow
}

// TokensDamaged is the LastError of a connection whose sealed tokens cannot be opened.
const TokensDamaged = "the stored tokens are damaged"

// NotOwned is the LastError of a connection that, or whose tokens, an *OwnerError is
// about.
const NotOwned = "the stored tokens cannot be shown to be the participant's"

// noteDamage records that a connection's sealed tokens cannot be opened, until
// others come.
func (r *Register) noteDamage(ctx context.Context, id string) error {
	return r.noteError(ctx, id, TokensDamaged)
}

func (r *Register) noteError(ctx context.Context, id, said string) error {
	_, err := r.Store.Exec(ctx, "update connections set last_error = ?1 where connection_id = ?2 and last_error <> ?1", said, id)
	return err
}

// ErrNoConnection says that no connection has this id.
var ErrNoConnection = errors.New("no such connection")

// Connections lists all connections in order of participant and age.
func (r *Register) Connections(ctx context.Context) ([]Connection, error) {
	return state.Collect(ctx, r.Store, scanConnection, selectConnections+" order by participant_id, created_at, rowid")
}

// Connection returns one connection, or ErrNoConnection.
func (r *Register) Connection(ctx context.Context, id string) (Connection, error) {
	return connectionIn(ctx, r.Store, id)
}

// CloseConnection ends a connection at instant at (UTC) and destroys its tokens: see
// state.Store.Scrub. The reason, "" for none, is for people. A connection whose account
// was never seen leaves no trace: nothing came through it.
func (r *Register) CloseConnection(ctx context.Context, id string, at time.Time, because string) error {
	return r.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		c, err := connectionIn(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		return endedAct(c, because), endConnection(ctx, tx, c, at, because)
	})
}

// endConnection never prolongs an interval; one that would end before it began
// is empty.
func endConnection(ctx context.Context, tx *sql.Tx, c Connection, at time.Time, because string) error {
	if c.AccountHash == "" {
		return dropConnection(ctx, tx, c.ID)
	}
	for _, q := range []string{"delete from tokens where connection_id = ?", "delete from token_answers where connection_id = ?"} {
		if _, err := tx.ExecContext(ctx, q, c.ID); err != nil {
			return err
		}
	}
	if !c.ValidTo.IsZero() && c.ValidTo.Before(at) {
		at = c.ValidTo
	}
	if at.Before(c.ValidFrom) {
		at = c.ValidFrom
	}
	_, err := tx.ExecContext(ctx, "update connections set status = ?, valid_to = ?, ended_because = ? where connection_id = ?",
		Ended, state.Micros(at), cmp.Or(c.EndedBecause, because), c.ID)
	if err != nil {
		return err
	}
	return state.MarkScrub(ctx, tx)
}

// dropConnection deletes a connection and all that hangs on it.
func dropConnection(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, "delete from token_answers where connection_id = ?", id); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "delete from connections where connection_id = ?", id); err != nil {
		return err
	}
	return state.MarkScrub(ctx, tx)
}

// handOver gives the tokens of one connection to another in place of its own, and ends
// the intents of both.
func (r *Register) handOver(ctx context.Context, tx *sql.Tx, from, to string) error {
	for _, q := range []string{
		"delete from refresh_intents where connection_id in (?1, ?2)",
		"delete from tokens where connection_id = ?2",
		"update tokens set connection_id = ?2 where connection_id = ?1",
	} {
		if _, err := tx.ExecContext(ctx, q, from, to); err != nil {
			return err
		}
	}
	return r.sealTokens(ctx, tx, to)
}

// undoubted gives a connection a status and forgets what its grant was refused.
func undoubted(ctx context.Context, tx *sql.Tx, id string, s Status) error {
	_, err := tx.ExecContext(ctx, `update connections set status = ?, last_error = '',
		refused_since = null, refused_at = null, refused_said = '' where connection_id = ?`, s, id)
	return err
}

// moveGrant gives the tokens of from to the connection to, which is the same
// person's to the same account, and deletes from.
func (r *Register) moveGrant(ctx context.Context, tx *sql.Tx, from, to Connection) (Connection, error) {
	if err := r.handOver(ctx, tx, from.ID, to.ID); err != nil {
		return to, err
	}
	if err := dropConnection(ctx, tx, from.ID); err != nil {
		return to, err
	}
	_, err := tx.ExecContext(ctx, "update connections set granted_at = ?, renewed_at = ? where connection_id = ?",
		state.Micros(from.GrantedAt), state.Micros(from.RenewedAt), to.ID)
	if err != nil {
		return to, err
	}
	if err := undoubted(ctx, tx, to.ID, Connected); err != nil {
		return to, err
	}
	if err := r.dropDead(ctx, tx, to); err != nil {
		return to, err
	}
	return connectionIn(ctx, tx, to.ID)
}

// dropDead deletes the grants of c's participant and region that were set
// aside, or refused before anybody saw their account: a better one has come. So are
// kept answers that claim to be the participant's and are not.
func (r *Register) dropDead(ctx context.Context, tx *sql.Tx, c Connection) error {
	_, err := tx.ExecContext(ctx, `delete from connections where participant_id = ? and region = ?
		and account_hash = '' and (aside = 1 or status in (?, ?))`, c.ParticipantID, c.Region, AuthSuspect, NeedsReconsent)
	if err != nil {
		return err
	}
	return r.dropDisowned(ctx, tx, c.ParticipantID)
}

const (
	connectionColumns = `connections.connection_id, participant_id, region, account_hash, status, aside,
	valid_from, valid_to, created_at, granted_at, last_error, refused_since, refused_at, refused_said,
	exists (select 1 from tokens t where t.connection_id = connections.connection_id and t.refusals = 0 and refused_since is not null),
	renewed_at, strayed_at, begun_because, ended_because, connections.seal`
	selectConnections = "select " + connectionColumns + " from connections"
)

func connectionIn(ctx context.Context, q state.Querier, id string) (Connection, error) {
	c, err := state.One(ctx, q, scanConnection, selectConnections+" where connection_id = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("connection %s: %w", id, ErrNoConnection)
	}
	return c, err
}

func (c *Connection) columns() []any {
	return []any{&c.ID, &c.ParticipantID, &c.Region, &c.AccountHash, &c.Status, &c.Aside,
		state.Instant(&c.ValidFrom), state.Instant(&c.ValidTo), state.Instant(&c.CreatedAt), state.Instant(&c.GrantedAt), &c.LastError,
		state.Instant(&c.RefusedSince), state.Instant(&c.RefusedAt), &c.RefusedSaid, &c.Unclear,
		state.Instant(&c.RenewedAt), state.Instant(&c.StrayedAt), &c.BegunBecause, &c.EndedBecause, &c.seal}
}

func scanConnection(row func(...any) error) (c Connection, err error) {
	err = row(c.columns()...)
	return c, err
}

package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Status says whether a connection's grant works.
type Status string

// The statuses of a connection.
const (
	Connected      Status = "connected"
	AuthSuspect    Status = "auth_suspect"    // refused lately; tried again until it is certain
	NeedsReconsent Status = "needs_reconsent" // the person must consent again
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
	Aside         bool // of another account than the participant's, and unused until somebody confirms it
	ValidFrom     time.Time
	ValidTo       time.Time
	CreatedAt     time.Time
	LastError     string // why the last refresh failed; "" since it worked
}

// ErrNoConnection says that no connection has this id.
var ErrNoConnection = errors.New("no such connection")

// An AccountInUseError says that a Dexcom account is connected under somebody
// else. The new grant was not kept.
type AccountInUseError struct {
	ParticipantID string // who was to be connected
	Other         string // whose account it is now
}

func (e *AccountInUseError) Error() string {
	return fmt.Sprintf("participant %s: this Dexcom account is connected as %s; one account cannot be two participants at once, so nothing was kept. "+
		"Was the right person signed in? If the account passed from %s to %s, end the connection of %s first",
		e.ParticipantID, e.Other, e.Other, e.ParticipantID, e.Other)
}

// An OtherAccountError says that a participant who is connected consented with
// another Dexcom account. The grant is kept aside, unused, as ConnectionID
// until somebody decides.
type OtherAccountError struct {
	ParticipantID string
	ConnectionID  string // the grant kept aside
}

func (e *OtherAccountError) Error() string {
	return fmt.Sprintf("participant %s: this is another Dexcom account than the one connected before; nothing is fetched from it until the change is confirmed", e.ParticipantID)
}

// Connections lists all connections in order of participant and age.
func (s *Store) Connections(ctx context.Context) ([]Connection, error) {
	return collect(ctx, s.db, scanConnection, selectConnections+" order by participant_id, connection_id")
}

// Connection returns one connection, or ErrNoConnection.
func (s *Store) Connection(ctx context.Context, id string) (Connection, error) {
	return connectionIn(ctx, s.db, id)
}

// EndConnection ends a connection at instant at (UTC) and destroys its tokens.
// One whose account was never seen leaves no trace: nothing came through it.
func (s *Store) EndConnection(ctx context.Context, id string, at time.Time) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		c, err := connectionIn(ctx, tx, id)
		if err != nil {
			return err
		}
		return endConnection(ctx, tx, c, at)
	})
}

func endConnection(ctx context.Context, tx *sql.Tx, c Connection, at time.Time) error {
	if c.AccountHash == "" {
		return dropConnection(ctx, tx, c.ID)
	}
	if _, err := tx.ExecContext(ctx, "delete from tokens where connection_id = ?", c.ID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "delete from token_answers where connection_id = ?", c.ID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "update connections set status = ?, valid_to = min(coalesce(valid_to, ?), ?) where connection_id = ?",
		Ended, micros(at), micros(at), c.ID)
	return err
}

// dropConnection deletes a connection and all that hangs on it.
func dropConnection(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, "delete from token_answers where connection_id = ?", id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "delete from connections where connection_id = ?", id)
	return err
}

// Settle records to which Dexcom account a connection leads and returns the
// connection that is to be used from now on:
//
//   - the participant has a connection to this account already: that one, with
//     the new grant in place of its own; id is gone;
//   - somebody else has: *AccountInUseError, id and its tokens are gone;
//   - the participant is connected to another account in the region:
//     *OtherAccountError, id stays aside (until a grant to the right account
//     comes), unless newAccount says that the change is meant, which ends the
//     other connection now;
//   - else: id itself. If the account was somebody else's before, it is valid
//     from the end of that connection.
//
// The caller holds id's refresh lease and has finished its answers.
func (s *Store) Settle(ctx context.Context, id, accountHash string, newAccount bool) (Connection, error) {
	var out Connection
	var verdict error
	err := s.write(ctx, func(tx *sql.Tx) error {
		c, err := connectionIn(ctx, tx, id)
		if err != nil {
			return err
		}
		others, err := collect(ctx, tx, scanConnection, selectConnections+
			" where connection_id <> ?1 and account_hash <> '' and (account_hash = ?2 or participant_id = ?3)", id, accountHash, c.ParticipantID)
		if err != nil {
			return err
		}
		out, verdict, err = settle(ctx, tx, c, others, accountHash, newAccount, s.now())
		return err
	})
	if err = errors.Join(err, verdict); err != nil {
		return Connection{}, err
	}
	return out, nil
}

// settle decides and writes; its verdict is an error that belongs to the
// caller although the transaction is to be committed.
func settle(ctx context.Context, tx *sql.Tx, c Connection, others []Connection, hash string, newAccount bool, now time.Time) (out Connection, verdict, err error) {
	if c.AccountHash == hash {
		return c, nil, nil
	}
	if c.AccountHash != "" {
		return c, &OtherAccountError{c.ParticipantID, c.ID}, nil
	}
	for _, o := range others {
		live, same, mine := o.Status != Ended, o.AccountHash == hash, o.ParticipantID == c.ParticipantID
		switch {
		case live && same && mine:
			out, err = moveGrant(ctx, tx, c, o)
			return out, nil, err
		case live && same:
			return c, &AccountInUseError{c.ParticipantID, o.ParticipantID}, dropConnection(ctx, tx, c.ID)
		}
	}
	for _, o := range others {
		switch {
		case o.Status != Ended && o.ParticipantID == c.ParticipantID && o.Region == c.Region:
			if !newAccount {
				_, err = tx.ExecContext(ctx, "update connections set aside = 1 where connection_id = ?", c.ID)
				return c, &OtherAccountError{c.ParticipantID, c.ID}, err
			}
			if err := endConnection(ctx, tx, o, now); err != nil {
				return c, nil, err
			}
		case o.Status == Ended && o.AccountHash == hash && o.ParticipantID != c.ParticipantID && o.ValidTo.After(c.ValidFrom):
			c.ValidFrom = o.ValidTo
		}
	}
	c.AccountHash, c.Aside = hash, false
	_, err = tx.ExecContext(ctx, "update connections set account_hash = ?, aside = 0, valid_from = ? where connection_id = ?", hash, micros(c.ValidFrom), c.ID)
	if err != nil {
		return c, nil, err
	}
	return c, nil, dropDead(ctx, tx, c)
}

// moveGrant gives the tokens of from to the connection to, which is the same
// person's to the same account, and deletes from.
func moveGrant(ctx context.Context, tx *sql.Tx, from, to Connection) (Connection, error) {
	for _, q := range []string{
		"delete from refresh_intents where connection_id in (?1, ?2)",
		"delete from tokens where connection_id = ?2",
		"update tokens set connection_id = ?2 where connection_id = ?1",
	} {
		if _, err := tx.ExecContext(ctx, q, from.ID, to.ID); err != nil {
			return to, err
		}
	}
	if err := dropConnection(ctx, tx, from.ID); err != nil {
		return to, err
	}
	to.Status, to.LastError = Connected, ""
	_, err := tx.ExecContext(ctx, "update connections set status = ?, last_error = '' where connection_id = ?", to.Status, to.ID)
	if err != nil {
		return to, err
	}
	return to, dropDead(ctx, tx, to)
}

// dropDead deletes the grants of c's participant and region that were set
// aside, or refused before anybody saw their account: a better one has come.
func dropDead(ctx context.Context, tx *sql.Tx, c Connection) error {
	_, err := tx.ExecContext(ctx, `delete from connections where participant_id = ? and region = ?
		and account_hash = '' and (aside = 1 or status in (?, ?))`, c.ParticipantID, c.Region, AuthSuspect, NeedsReconsent)
	return err
}

const selectConnections = `select connection_id, participant_id, region, account_hash, status, aside,
	valid_from, valid_to, created_at, last_error from connections`

func connectionIn(ctx context.Context, q querier, id string) (Connection, error) {
	c, err := one(ctx, q, scanConnection, selectConnections+" where connection_id = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("connection %s: %w", id, ErrNoConnection)
	}
	return c, err
}

func scanConnection(row func(...any) error) (Connection, error) {
	var c Connection
	err := row(&c.ID, &c.ParticipantID, &c.Region, &c.AccountHash, &c.Status, &c.Aside,
		instant{&c.ValidFrom}, instant{&c.ValidTo}, instant{&c.CreatedAt}, &c.LastError)
	return c, err
}

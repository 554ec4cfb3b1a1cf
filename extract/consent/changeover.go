package consent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// An AccountInUseError says that a Dexcom account is, or was, another
// participant's. The grant is kept aside, unused, as ConnectionID until
// somebody decides.
type AccountInUseError struct {
	ParticipantID string // who was to be connected
	Other         string // whose account it is, or was
	ConnectionID  string // the grant kept aside
	Ended         bool   // the connection of Other has ended
}

func (e *AccountInUseError) Error() string {
	verb := "is connected as " + e.Other + ", and one account cannot be two participants at once"
	if e.Ended {
		verb = "was " + e.Other + "'s before"
	}
	return fmt.Sprintf("participant %s: this Dexcom account %s; nothing is fetched from it for %s until the change is confirmed", e.ParticipantID, verb, e.ParticipantID)
}

// An OtherAccountError says that a participant consented with another Dexcom
// account than before, or that an answer of another one came. The grant is kept
// aside, unused, as ConnectionID until somebody decides.
type OtherAccountError struct {
	ParticipantID string
	ConnectionID  string // the grant kept aside
	Answered      bool   // an answer to a request for data showed it
}

func (e *OtherAccountError) Error() string {
	if e.Answered {
		return fmt.Sprintf("participant %s: an answer came from another Dexcom account than the one connected; nothing more is fetched until somebody makes sure whose it is", e.ParticipantID)
	}
	return fmt.Sprintf("participant %s: this is another Dexcom account than the one connected before; nothing is fetched from it until the change is confirmed", e.ParticipantID)
}

// Lasting marks an error that asking again does not change.
func (e *OtherAccountError) Lasting() {}

// A Changeover confirms that a participant comes with another account than
// before, or that an account passes from one participant to another.
type Changeover struct {
	Since  time.Time            // UTC, when; zero: see settle
	First  time.Time            // first reading the new account shows; zero: none, or not known
	Held   map[string]time.Time // newest record held, by connection
	Reason string               // for people; kept with both connections
}

// A ChangeoverError says why a Changeover cannot be at Since. The grant is kept
// aside.
type ChangeoverError struct {
	ParticipantID string // who is to be connected
	Since         time.Time
	Other         string    // whose time it would cut; "": it is in the future
	NotBefore     time.Time // first instant that would do
	Held          bool      // because records are held up to then, not because an interval ends there
}

func (e *ChangeoverError) Error() string {
	text := fmt.Sprintf("participant %s: the change cannot be at %s: ", e.ParticipantID, e.Since.Format(time.RFC3339))
	switch {
	case e.Other == "":
		return text + "that is in the future"
	case e.Held:
		return text + fmt.Sprintf("records of %s are held up to %s", e.Other, e.NotBefore.Format(time.RFC3339))
	}
	return text + fmt.Sprintf("the account was %s's until %s", e.Other, e.NotBefore.Format(time.RFC3339))
}

// settle records to which Dexcom account a connection leads and returns the
// connection that is to be used from now on:
//
//   - the participant has a live connection to this account: that one, with
//     the new grant in place of its own; id is gone;
//   - the account is another participant's, or was: *AccountInUseError;
//   - the participant's newest connection led to another account:
//     *OtherAccountError;
//   - a connection of the account or of the participant is not as it was written:
//     *OwnerError;
//   - else id itself.
//
// After these errors id stays aside. A change says that it is meant: then live
// connections that stand in the way end at the changeover, id begins there, and
// the reason is kept with all of them. The intervals of an account's
// participants never overlap.
//
// The changeover is change.Since. If that is zero, an account that passes to
// another participant does so now, so that nothing recorded before can become
// the wrong person's. A person's own new account begins with its first reading,
// but not before the newest record held through the old one; now, if it has
// none. An instant that would cut off what is held of another participant, or lie
// in the future, is a *ChangeoverError.
//
// The caller holds id's refresh lease and has finished its answers.
func (r *Register) settle(ctx context.Context, id, accountHash string, change *Changeover) (Connection, error) {
	var out Connection
	var verdict error
	err := r.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		c, err := connectionIn(ctx, tx, id)
		if err == nil {
			err = r.ownedIn(ctx, tx, id, c.ParticipantID)
		}
		if err != nil {
			return nil, err
		}
		others, err := state.Collect(ctx, tx, scanConnection, selectConnections+
			" where connection_id <> ?1 and account_hash <> '' and (account_hash = ?2 or participant_id = ?3) order by created_at, rowid",
			id, accountHash, c.ParticipantID)
		if err != nil {
			return nil, err
		}
		out, verdict, err = settle(ctx, tx, settling{r, c, others, accountHash, change, r.now()})
		if err != nil {
			return nil, err
		}
		acts, err := endedActs(ctx, tx, others)
		return append(acts, settleActs(c, others, out, verdict)...), err
	})
	if err = errors.Join(err, verdict); err != nil {
		return Connection{}, err
	}
	return out, nil
}

// settling is a connection whose account was just seen.
type settling struct {
	register *Register
	c        Connection
	others   []Connection // of the account or of the participant, oldest first
	hash     string
	change   *Changeover
	now      time.Time
}

// settle decides and writes; its verdict is an error that belongs to the
// caller although the transaction is to be committed.
func settle(ctx context.Context, tx *sql.Tx, s settling) (out Connection, verdict, err error) {
	if s.c.AccountHash == s.hash {
		return s.c, nil, nil
	}
	if s.c.AccountHash != "" {
		return s.c, &OtherAccountError{ParticipantID: s.c.ParticipantID, ConnectionID: s.c.ID}, nil
	}
	for _, o := range s.others {
		if o.Status != Ended && s.same(o) && s.mine(o) && s.register.own(o) == nil {
			out, err = s.register.moveGrant(ctx, tx, s.c, o)
			return out, nil, err
		}
	}
	if verdict = s.objection(); verdict == nil {
		return s.admit(ctx, tx, time.Time{}, "")
	}
	if s.change != nil {
		at, wrong := s.at()
		if verdict = wrong; wrong == nil {
			return s.changeOver(ctx, tx, at)
		}
	}
	_, err = tx.ExecContext(ctx, "update connections set aside = 1 where connection_id = ?", s.c.ID)
	return s.c, verdict, err
}

func (s settling) same(o Connection) bool { return o.AccountHash == s.hash }
func (s settling) mine(o Connection) bool { return o.ParticipantID == s.c.ParticipantID }

// objection is what somebody has to confirm, nil for nothing.
func (s settling) objection() error {
	for _, o := range s.others {
		if s.register.own(o) != nil { // nobody knows whose account it was
			return &OwnerError{ParticipantID: s.c.ParticipantID, ConnectionID: s.c.ID, Kind: ownedConnection, Aside: true}
		}
	}
	var other error
	var newest Connection
	for _, o := range s.others {
		switch {
		case s.same(o) && !s.mine(o):
			if inUse := (&AccountInUseError{s.c.ParticipantID, o.ParticipantID, s.c.ID, o.Status == Ended}); other == nil || !inUse.Ended {
				other = inUse
			}
		case s.mine(o):
			newest = o
		}
	}
	if other == nil && newest.ID != "" && !s.same(newest) {
		other = &OtherAccountError{ParticipantID: s.c.ParticipantID, ConnectionID: s.c.ID}
	}
	return other
}

// at is the changeover, in whole seconds because that is what the API knows.
func (s settling) at() (time.Time, error) {
	at, passes := s.change.Since, false
	for _, o := range s.others {
		passes = passes || s.same(o) && !s.mine(o)
	}
	switch {
	case !at.IsZero() && at.After(s.now):
		return at, &ChangeoverError{ParticipantID: s.c.ParticipantID, Since: at}
	case at.IsZero() && (passes || s.change.First.IsZero() || s.change.First.After(s.now)):
		at = s.now
	case at.IsZero():
		at = s.change.First
		for _, o := range s.others {
			at = later(at, s.free(o))
		}
	}
	at = nextSecond(at)
	for _, o := range s.others {
		if s.mine(o) {
			continue
		}
		if held := s.heldTo(o); at.Before(held) {
			return at, &ChangeoverError{s.c.ParticipantID, at, o.ParticipantID, held, true}
		}
		if at.Before(o.ValidFrom) || at.Before(o.ValidTo) && o.Status == Ended {
			return at, &ChangeoverError{s.c.ParticipantID, at, o.ParticipantID, later(o.ValidFrom, o.ValidTo), false}
		}
	}
	return at, nil
}

// heldTo is the first instant after what is held through o, zero for nothing.
func (s settling) heldTo(o Connection) time.Time {
	if newest := s.change.Held[o.ID]; !newest.IsZero() {
		return nextSecond(newest.Add(time.Microsecond))
	}
	return time.Time{}
}

// free is when a new account can take over from o without a doubt.
func (s settling) free(o Connection) time.Time { return later(s.heldTo(o), o.ValidTo) }

// changeOver ends what stands in c's way at the instant at, and admits c.
func (s settling) changeOver(ctx context.Context, tx *sql.Tx, at time.Time) (out Connection, verdict, err error) {
	for _, o := range s.others {
		if s.register.own(o) != nil { // what it says now, somebody has confirmed
			if err := s.register.sealConnection(ctx, tx, o.ID); err != nil {
				return s.c, nil, err
			}
		}
		if o.Status == Ended {
			continue
		}
		// A person's own two accounts may overlap: nothing held is disowned.
		if err := endConnection(ctx, tx, o, later(at, s.heldTo(o)), s.change.Reason); err != nil {
			return s.c, nil, err
		}
	}
	return s.admit(ctx, tx, at, s.change.Reason)
}

// admit makes c the participant's connection to the account from at on.
func (s settling) admit(ctx context.Context, tx *sql.Tx, at time.Time, because string) (out Connection, verdict, err error) {
	c := s.c
	c.AccountHash, c.Aside, c.ValidFrom, c.BegunBecause = s.hash, false, at, because
	_, err = tx.ExecContext(ctx, "update connections set account_hash = ?, aside = 0, valid_from = ?, begun_because = ? where connection_id = ?",
		c.AccountHash, state.Micros(c.ValidFrom), c.BegunBecause, c.ID)
	if err != nil {
		return c, nil, err
	}
	if err := s.register.sealConnection(ctx, tx, c.ID); err != nil {
		return c, nil, err
	}
	if err := s.register.dropDead(ctx, tx, c); err != nil {
		return c, nil, err
	}
	out, err = connectionIn(ctx, tx, c.ID)
	return out, nil, err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// nextSecond is t, or the next whole second after it.
func nextSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}

package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/dexetl/dexetl/extract/raw"
)

// The first answer through a connection that says of which Dexcom account it
// is settles that for the connection. Whatever stands between the account and
// us, such as a shared cache, may answer with the data of another one.

// A connectionKey is one participant's connection.
type connectionKey struct{ participant, connection string }

func (a *answer) via() connectionKey { return connectionKey{a.ParticipantID, a.ConnectionID} }

// An account is what a connection's answers are held against.
type account struct {
	hash    string // see accountHash
	request string // whose answer said so
}

// accountHash is all that is kept of a userId outside the raw log. With the
// connection in it, it does not tell that two connections lead to one account.
// It is empty where an answer names no user.
func accountHash(connectionID, userID string) string {
	if userID == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(connectionID + "\n" + userID))
	return hex.EncodeToString(sum[:])
}

// An OtherAccountError says that an answer is not of the account that its
// connection leads to.
type OtherAccountError struct {
	ConnectionID string
	RequestID    string // whose answer was the first to say of which account it is
}

func (e *OtherAccountError) Error() string {
	return fmt.Sprintf("of another Dexcom account: its userId is not the one that connection %s began with (request %s)", e.ConnectionID, e.RequestID)
}

// judge goes through the answers in the order of the log, before any is
// applied. It holds those of another account and says what dataRange had shown
// by then. An answer whose body was dropped was judged when it came.
func (s *step) judge() {
	for _, a := range s.answers {
		if (a.held == nil || a.waits()) && !a.dropped { // one that waits settles the account all the same
			s.judgeAccount(a)
		}
		switch {
		case a.held != nil || a.dropped:
		case a.ranges != nil:
			s.keepRanges(a)
		default:
			a.trust = s.trustIn(a)
		}
	}
}

// judgeAccount holds an answer of another account than its connection's, unless it
// is held already.
func (s *step) judgeAccount(a *answer) {
	if a.account == "" {
		return
	}
	known, ok := s.accounts[a.via()]
	switch {
	case !ok:
		s.accounts[a.via()] = account{a.account, a.RequestID}
		a.effect = true // without its body nobody could tell any more
	case known.hash != a.account && a.held == nil:
		a.hold(&OtherAccountError{a.ConnectionID, known.request})
	}
}

// knowsNoAccounts reports whether the lake was made by a program of format 1, which
// had no table connection_accounts.
func (s *step) knowsNoAccounts() bool { return s.parent.Format == 1 }

// recallAccounts reads from the log what the answers folded so far say of accounts:
// of each connection the first one that says it.
func (s *step) recallAccounts(ctx context.Context) error {
	for e, err := range s.loader.Log.Entries(raw.Position{}) {
		if err != nil || e.Position.Compare(s.parent.LogPosition) >= 0 {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		a := &answer{Entry: e}
		if _, known := s.accounts[a.via()]; known {
			continue
		}
		if err := s.loader.read(ctx, a); err != nil {
			return err
		}
		a.batch.Release()
		if a.held == nil && a.account != "" {
			s.accounts[a.via()] = account{a.account, a.RequestID}
		}
	}
	return nil
}

// heldAccount takes a row of connection_accounts.
func (s *step) heldAccount(r row) {
	s.accounts[connectionKey{r.str("participant_id"), r.str("connection_id")}] = account{r.str("user_hash"), r.str("request_id")}
}

func (s *step) accountRows(add addRow) {
	for key, of := range s.accounts {
		add(key.participant, key.connection, of.hash, of.request)
	}
}

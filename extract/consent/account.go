package consent

import (
	"context"
	"fmt"
	"sync"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

// Accounts finds out whose account a connection leads to.
type Accounts struct {
	// Change confirms that a participant may come with another Dexcom account
	// than before, or with one that was another participant's: see
	// Register.settle. Its First is filled in here. Nil: nothing is confirmed.
	Change *Changeover
	// Keep takes the answers by which an account was looked at, once it is
	// certain whose they are. Nil: they are not kept.
	Keep func(ctx context.Context, c Connection, a dexcom.Answer) error

	base
	tokens *Tokens
	owners sync.Map // owner by connection
}

// Token returns an access token of the connection, refreshed if it is about to
// end. Errors: *NeedsReconsentError, *AuthSuspectError, *ExportedError,
// *TemporaryError, *WrongClientError, *RefreshStoppedError, *SealError, *OwnerError; on first use of an imported
// grant also those of Verify, and *MovedError.
func (ac *Accounts) Token(ctx context.Context, connectionID string) (string, error) {
	sealed, err := ac.register.sealed(ctx, connectionID)
	if err != nil {
		return "", err
	}
	if c := sealed.Connection; c.Aside && ac.Change == nil {
		return "", &OtherAccountError{ParticipantID: c.ParticipantID, ConnectionID: c.ID, Answered: !c.StrayedAt.IsZero()}
	}
	h, err := ac.tokens.freshen(ctx, sealed, "")
	if err != nil {
		return "", err
	}
	if h.AccountHash != "" {
		ac.owners.LoadOrStore(connectionID, owner{h.ParticipantID, h.AccountHash}) // for Same
		return h.Access, nil
	}
	found, err := ac.Verify(ctx, connectionID)
	if err != nil {
		return "", err
	}
	if found.Connection.ID != connectionID {
		return "", &MovedError{h.ParticipantID, found.Connection.ID}
	}
	h, err = ac.tokens.fresh(ctx, connectionID, "")
	return h.Access, err
}

// Renew returns another access token than rejected, which the API did not
// accept: the stored one if it is another already, else from a refresh. Its
// errors are Token's.
func (ac *Accounts) Renew(ctx context.Context, connectionID, rejected string) (string, error) {
	h, err := ac.tokens.fresh(ctx, connectionID, rejected)
	return h.Access, err
}

// Same reports whether userID, of an answer that came through a participant's
// connection, is that of its account. An answer that does not say whose it is, and a
// connection whose account was not seen yet, contradict nobody. A connection that is
// not the participant's, or was edited, is an *OwnerError.
func (ac *Accounts) Same(ctx context.Context, participantID, connectionID, userID string) (bool, error) {
	seen, known := ac.owners.Load(connectionID)
	if !known {
		c, err := ac.register.Connection(ctx, connectionID)
		if err == nil {
			err = ac.register.own(c)
		}
		if err != nil {
			return false, err
		}
		seen = owner{c.ParticipantID, c.AccountHash}
		if c.AccountHash != "" {
			seen, _ = ac.owners.LoadOrStore(connectionID, seen)
		}
	}
	of := seen.(owner)
	if of.participant != participantID {
		return false, &OwnerError{ParticipantID: participantID, ConnectionID: connectionID, Kind: "connection"}
	}
	return userID == "" || of.account == "" || of.account == ac.key.hash("account", userID), nil
}

// Others are the ids of the participant's other connections, ended or not, that lead to
// the Dexcom account of a connection, as far as that was seen.
func (ac *Accounts) Others(ctx context.Context, connectionID string) ([]string, error) {
	c, err := ac.register.Connection(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	all, err := state.Collect(ctx, ac.register.Store, scanConnection, selectConnections+" where participant_id = ?", c.ParticipantID)
	return SameAccount(c, all), err
}

// SameAccount are the ids of those of all that are of c's participant and lead to its
// Dexcom account, other than c, as far as that was seen.
func SameAccount(c Connection, all []Connection) (ids []string) {
	for _, o := range all {
		if o.ID != c.ID && o.ParticipantID == c.ParticipantID && o.AccountHash != "" && o.AccountHash == c.AccountHash {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// An owner is whose a connection is.
type owner struct{ participant, account string }

// SetAside takes a connection's grant out of use, because an answer of another
// account came through it, until somebody finds out whose it is. That it
// did is an *OtherAccountError.
func (ac *Accounts) SetAside(ctx context.Context, connectionID string) error {
	ctx = context.WithoutCancel(ctx) // else the next run would ask on
	owned := func() error {
		_, err := ac.tokens.read(ctx, connectionID)
		if as[*OwnerError](err) {
			return err
		}
		return nil
	}
	return ac.tokens.alone(ctx, connectionID, owned, func() error {
		aside, err := ac.register.setAside(ctx, connectionID)
		if err != nil {
			return fmt.Errorf("connection %s: %w", connectionID, err)
		}
		return &OtherAccountError{ParticipantID: aside.ParticipantID, ConnectionID: aside.ID, Answered: true}
	})
}

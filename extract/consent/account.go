package consent

import (
	"context"
	"fmt"
)

// Same reports whether userID, of an answer that came through a participant's
// connection, is that of its account. An answer that does not say whose it is, and a
// connection whose account was not seen yet, contradict nobody. A connection that is
// not the participant's, or was edited, is a *OwnerError.
func (g *Grants) Same(ctx context.Context, participantID, connectionID, userID string) (bool, error) {
	seen, known := g.accounts.Load(connectionID)
	if !known {
		c, err := g.Register.Connection(ctx, connectionID)
		if err == nil {
			err = g.Register.OwnConnection(c)
		}
		if err != nil {
			return false, err
		}
		seen = owner{c.ParticipantID, c.AccountHash}
		if c.AccountHash != "" {
			seen, _ = g.accounts.LoadOrStore(connectionID, seen)
		}
	}
	of := seen.(owner)
	if of.participant != participantID {
		return false, &OwnerError{ParticipantID: participantID, ConnectionID: connectionID, Kind: "connection"}
	}
	return userID == "" || of.account == "" || of.account == g.Key.hash("account", userID), nil
}

// An owner is whose a connection is.
type owner struct{ participant, account string }

// SetAside takes a connection's grant out of use, because an answer of another
// account came through it, until somebody finds out whose it is: see
// SetAside. That it did is a *OtherAccountError.
func (g *Grants) SetAside(ctx context.Context, connectionID string) error {
	ctx = context.WithoutCancel(ctx) // else the next run would ask on
	owner, err := g.lease(ctx, connectionID)
	if err != nil {
		return err
	}
	defer g.release(ctx, connectionID, owner)
	if _, err := g.read(ctx, connectionID); as[*OwnerError](err) {
		return err
	}
	if err := g.finish(ctx, connectionID); err != nil {
		return err
	}
	if err := g.Register.ExtendRefresh(ctx, connectionID, owner, leaseTTL); err != nil {
		return err
	}
	aside, err := g.Register.SetAside(ctx, connectionID)
	if err != nil {
		return fmt.Errorf("connection %s: %w", connectionID, err)
	}
	return &OtherAccountError{ParticipantID: aside.ParticipantID, ConnectionID: aside.ID, Answered: true}
}

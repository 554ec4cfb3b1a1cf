package extract

import (
	"context"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
)

// Accounts knows to whose Dexcom account each connection leads.
type Accounts interface {
	// Same reports whether userID, of an answer that came through a participant's
	// connection, is that account's; *consent.OwnerError if it is not their connection.
	Same(ctx context.Context, participantID, connectionID, userID string) (bool, error)
	// Others are the participant's other connections that lead to the account of one.
	Others(ctx context.Context, connectionID string) ([]string, error)
	// SetAside takes a connection out of use because it is not: *consent.OtherAccountError.
	SetAside(ctx context.Context, connectionID string) error
}

// own reports whether an answer is of the connection's account.
func (c *connection) own(ctx context.Context, a dexcom.Answer) (bool, error) {
	if c.runner.fetcher.Accounts == nil {
		return true, nil
	}
	same, err := c.runner.fetcher.Accounts.Same(context.WithoutCancel(ctx), c.target.ParticipantID, c.target.ConnectionID, a.UserID)
	if call.Is[*consent.OwnerError](err) {
		return false, &call.TokenError{ParticipantID: c.target.ParticipantID, Err: err}
	}
	if err != nil {
		return false, call.FatalError{Err: err}
	}
	return same, nil
}

// meet finds out which former connections lead to the account of one through which
// nothing came yet: of an imported grant nobody knew before it was used.
func (c *connection) meet(ctx context.Context) (err error) {
	if c.runner.fetcher.Accounts == nil {
		return nil
	}
	c.target.SameAccount, err = c.runner.fetcher.Accounts.Others(context.WithoutCancel(ctx), c.target.ConnectionID)
	if err != nil {
		return call.FatalError{Err: err}
	}
	return nil
}

// stray ends the fetching of the participant: another account answered, and nobody
// knows yet whose it is.
func (c *connection) stray(ctx context.Context) error {
	err := c.runner.fetcher.Accounts.SetAside(ctx, c.target.ConnectionID)
	if call.Is[*consent.OtherAccountError](err) || call.Is[*cohort.WithdrawnError](err) {
		return err
	}
	if call.Is[*consent.OwnerError](err) {
		return &call.TokenError{ParticipantID: c.target.ParticipantID, Err: err}
	}
	return call.FatalError{Err: err}
}

package consent

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Imported is what an import of refresh tokens did.
type Imported struct {
	ConnectionIDs []string // new ones, in the order of the file; see Verify
	Known         int      // lines whose token was imported before and is left alone
	Back          int      // grants that were exported from here and are used here again
}

// Import takes over grants from a CSV file of participant_id,refresh_token. It
// takes all lines or none, asks nobody, and spends no token; what is wrong is a
// *cohort.CSVError, which shows no token. Each new connection waits for Verify,
// or else for Token, to see its account.
func (mv *Moving) Import(ctx context.Context, r io.Reader) (Imported, error) {
	lines, err := mv.register.Cohort.ReadTokenFile(ctx, r)
	if err != nil {
		return Imported{}, err
	}
	list := make([]tokenImport, len(lines))
	for i, l := range lines {
		p, err := mv.register.Cohort.Participant(ctx, l.ParticipantID)
		if err != nil {
			return Imported{}, err
		}
		app, err := mv.client.app(p.Region)
		if err != nil {
			return Imported{}, fmt.Errorf("participant %s: %w", p.ID, err)
		}
		grant, err := mv.key.grant(pair{Refresh: l.RefreshToken}, time.Time{}, 0)
		if err != nil {
			return Imported{}, fmt.Errorf("participant %s: %w", p.ID, err)
		}
		list[i] = tokenImport{ParticipantID: p.ID, Region: app.Region, Grant: grant}
	}
	ids, err := mv.importTokens(ctx, list)
	if err != nil {
		return Imported{}, fmt.Errorf("token import: %w", err)
	}
	return Imported{ConnectionIDs: ids, Known: len(lines) - len(ids)}, nil
}

// Unverified returns the connections, not ended, whose account was never seen:
// an import was interrupted before Verify, or Verify could not see it. A grant
// set aside is among them only if Change confirms it: its account was seen, and
// is another.
func (ac *Accounts) Unverified(ctx context.Context) ([]string, error) {
	all, err := ac.register.Connections(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range all {
		if c.AccountHash == "" && c.Status != Ended && c.Status != Exported && (!c.Aside || ac.Change != nil) {
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
}

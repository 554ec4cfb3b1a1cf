package state

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"time"
)

// CommitCode makes the connection that answer a to an authorisation code
// promised, with its first tokens, and ends the answer. The account is not
// known yet: see Settle. Done twice it is done once.
func (s *Store) CommitCode(ctx context.Context, a TokenAnswer, g Grant) error {
	return s.received(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "delete from token_answers where answer_id = ?", a.ID)
		if err := affected(res, err, ErrSuperseded); err == ErrSuperseded {
			return nil // somebody else finished it
		} else if err != nil {
			return err
		}
		return s.newGrant(ctx, tx, Connection{ID: a.ConnectionID, ParticipantID: a.ParticipantID, Region: a.Region}, g)
	})
}

// FailCode ends the answer to a code that brought no tokens. An unreadable one
// is kept, sealed, for repair.
func (s *Store) FailCode(ctx context.Context, f RefreshFailure) error {
	err := s.write(ctx, func(tx *sql.Tx) error { return closeFailed(ctx, tx, f) })
	if errors.Is(err, ErrSuperseded) {
		return nil // another process finished this answer
	}
	return err
}

func (s *Store) newGrant(ctx context.Context, tx *sql.Tx, c Connection, g Grant) error {
	if err := standing(ctx, tx, c.ParticipantID); err != nil {
		return err
	}
	now := micros(s.now())
	_, err := tx.ExecContext(ctx, `insert into connections (connection_id, participant_id, region, account_hash, status,
		valid_from, valid_to, created_at, granted_at, last_error) values (?1, ?2, ?3, '', ?4, ?5, ?6, ?7, ?7, '')`,
		c.ID, c.ParticipantID, c.Region, Connected, micros(c.ValidFrom), micros(c.ValidTo), now)
	if err != nil {
		return err
	}
	if err := s.sealConnection(ctx, tx, c.ID); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `insert into tokens (connection_id, current, previous, refresh_hash, access_issued_at,
		access_expires_at, failures, refusals, retry_at, updated_at) values (?, ?, null, ?, ?, ?, 0, 0, null, ?)`,
		c.ID, g.Current, g.RefreshHash, micros(g.AccessIssuedAt), micros(g.AccessExpiresAt), now)
	if err != nil {
		return err
	}
	return s.sealTokens(ctx, tx, c.ID)
}

// A TokenLine is a line of a token file. The token is in the clear.
type TokenLine struct {
	Line          int
	ParticipantID string
	RefreshToken  string
}

// ReadTokenFile reads participant_id,refresh_token lines. What is wrong is a
// *CSVError, which never shows a token; nothing is stored.
func (s *Store) ReadTokenFile(ctx context.Context, r io.Reader) ([]TokenLine, error) {
	sh, err := readSheet(r, layout{file: "tokens.csv", secret: true,
		columns: []string{"participant_id", "refresh_token"}, required: []string{"participant_id", "refresh_token"}})
	if err != nil {
		return nil, err
	}
	held, err := s.Participants(ctx)
	if err != nil {
		return nil, err
	}
	known, lineOf := byID(held), map[string]int{}
	var out []TokenLine
	for _, r := range sh.rows {
		sh.participant(r, known, held)
		token := r.cells["refresh_token"]
		secretly := func(reason string) {
			sh.errs = append(sh.errs, LineError{Line: r.line, Column: "refresh_token", Reason: reason})
		}
		if token == "" {
			secretly("is empty")
		} else if _, again := lineOf[token]; again {
			secretly("is the token of another line")
		}
		lineOf[token] = r.line
		out = append(out, TokenLine{r.line, r.cells["participant_id"], token})
	}
	return out, sh.err()
}

// A TokenImport is a grant taken over from elsewhere.
type TokenImport struct {
	ParticipantID string
	Region        string
	ValidFrom     time.Time // UTC; zero: open
	ValidTo       time.Time
	Grant         Grant
}

// ImportTokens makes a connection for every grant that was never imported
// before, all or none, and returns their ids; the account of each is seen on
// first use. A token that was imported before is left alone whatever became of
// it: presenting a spent token again can cost the person's consent.
func (s *Store) ImportTokens(ctx context.Context, list []TokenImport) (ids []string, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (acts []Act, err error) {
		for _, t := range list {
			res, err := tx.ExecContext(ctx, `insert into imported_tokens (refresh_hash, imported_at)
				select ?1, ?2 where not exists (select 1 from tokens where refresh_hash = ?1) on conflict do nothing`,
				t.Grant.RefreshHash, micros(s.now()))
			if err := affected(res, err, ErrSuperseded); err == ErrSuperseded {
				continue
			} else if err != nil {
				return nil, err
			}
			c := Connection{ID: s.NewID(), ParticipantID: t.ParticipantID, Region: t.Region, Status: Connected, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo}
			if err := s.newGrant(ctx, tx, c, t.Grant); err != nil {
				return nil, err
			}
			ids = append(ids, c.ID)
			acts = append(acts, importAct(c))
		}
		return acts, nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

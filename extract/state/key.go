package state

import (
	"context"
	"database/sql"
	"errors"
)

// BindKey remembers that tokens are sealed for recipient, unless another was
// remembered before, and returns the one remembered.
func (s *Store) BindKey(ctx context.Context, recipient string) (string, error) {
	err := s.change(ctx, func(tx *sql.Tx) ([]Act, error) {
		res, err := tx.ExecContext(ctx, "insert into meta (key, value) values ('recipient', ?) on conflict do nothing", recipient)
		if err := affected(res, err, ErrSuperseded); err == ErrSuperseded {
			return nil, nil // there is one
		} else if err != nil {
			return nil, err
		}
		return []Act{{Subject: "key", After: Fields{"recipient": recipient}}}, nil
	})
	if err != nil {
		return "", err
	}
	return s.BoundKey(ctx)
}

// BoundKey returns the recipient for which tokens are sealed, "" for none yet.
func (s *Store) BoundKey(ctx context.Context) (string, error) {
	v, err := one(ctx, s.db, scanText, "select value from meta where key = 'recipient'")
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

package state

import (
	"context"
	"database/sql"
	"errors"
)

// BindKey remembers that tokens are sealed for recipient, unless another was
// remembered before, and returns the one remembered.
func (s *Store) BindKey(ctx context.Context, recipient string) (string, error) {
	_, err := s.db.ExecContext(ctx, "insert into meta (key, value) values ('recipient', ?) on conflict do nothing", recipient)
	if err != nil {
		return "", err
	}
	return s.BoundKey(ctx)
}

// BoundKey returns the recipient for which tokens are sealed, "" for none yet.
func (s *Store) BoundKey(ctx context.Context) (string, error) {
	var v string
	err := s.db.QueryRowContext(ctx, "select value from meta where key = 'recipient'").Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, s.db.check(err)
}

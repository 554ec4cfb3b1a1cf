package state

import "context"

// FirstSeen reports whether a field was never seen with this value before, and
// remembers it: so that a study is warned once of a value nobody knows, not in
// every run. Of several callers at a time one is told true.
func (s *Store) FirstSeen(ctx context.Context, field, value string) (bool, error) {
	res, err := s.db.ExecContext(ctx, "insert into warned (field, value) values (?, ?) on conflict do nothing", field, value)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

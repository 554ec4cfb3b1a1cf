package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// TakeCalls takes up to n calls from app's budget, which all processes of the
// study share: never more than perHour in any 60 minutes. It returns how many
// it granted; when that is none, retryAfter says how long until there may be
// some. Calls are counted by the minute and a minute counts until it is over
// by 60 minutes, so that the budget errs on the side of the limit.
func (s *Store) TakeCalls(ctx context.Context, app string, n, perHour int) (granted int, retryAfter time.Duration, err error) {
	if n < 1 || perHour < 1 {
		return 0, 0, fmt.Errorf("budget %s: %d calls of %d per hour", app, n, perHour)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		now := s.now()
		minute := now.Unix() / 60
		// Buckets more than an hour ahead come from a clock that was wrong.
		_, err := tx.ExecContext(ctx, "delete from call_buckets where app = ? and minute not between ? and ?", app, minute-60, minute+60)
		if err != nil {
			return err
		}
		var used int
		var oldest int64
		err = tx.QueryRowContext(ctx, "select coalesce(sum(calls), 0), coalesce(min(minute), 0) from call_buckets where app = ?", app).Scan(&used, &oldest)
		if err != nil {
			return err
		}
		if granted = max(0, min(n, perHour-used)); granted == 0 {
			retryAfter = time.Unix((oldest+61)*60, 0).Sub(now)
			return nil
		}
		_, err = tx.ExecContext(ctx, `insert into call_buckets (app, minute, calls) values (?, ?, ?)
			on conflict (app, minute) do update set calls = calls + excluded.calls`, app, minute, granted)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return granted, retryAfter, nil
}

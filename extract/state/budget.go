package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// useWithin is how long calls that were granted may be made. Later they are
// lost: by then they might count for an hour that others have used up.
const useWithin = 30 * time.Second

// countedFor is how many minutes a minute counts after it began. 60 would do if
// a call were with the API the moment it is granted; so the last call of a minute
// has a minute to get there, half of it to be made and half under way.
const countedFor = 62

// TakeCalls takes up to n calls from app's budget, which all processes of the
// study share: never more than perHour reach the API in any 60 minutes. It
// returns how many it granted. If any, they are to be made within wait; if none,
// wait says how long until there may be some. Calls are counted by the minute,
// when they are granted: what a process that died did not use is not given back,
// so that the budget errs on the side of the limit.
func (s *Store) TakeCalls(ctx context.Context, app string, n, perHour int) (granted int, wait time.Duration, err error) {
	if n < 1 || perHour < 1 {
		return 0, 0, fmt.Errorf("budget %s: %d calls of %d per hour", app, n, perHour)
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		now := s.now()
		minute := now.Unix() / 60
		// Buckets more than an hour ahead come from a clock that was wrong.
		_, err := tx.ExecContext(ctx, "delete from call_buckets where app = ? and minute not between ? and ?", app, minute-countedFor+1, minute+countedFor)
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
			wait = time.Unix((oldest+countedFor)*60, 0).Sub(now)
			return nil
		}
		wait = useWithin
		_, err = tx.ExecContext(ctx, `insert into call_buckets (app, minute, calls) values (?, ?, ?)
			on conflict (app, minute) do update set calls = calls + excluded.calls`, app, minute, granted)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return granted, wait, nil
}

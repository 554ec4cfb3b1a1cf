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

// TakeCalls takes up to n calls of app for a share, out of what all processes of the
// study share: never more than of.PerHour reach the API in any 60 minutes. It
// returns how many it granted. If any, they are to be made within wait; if none,
// wait says how long until there may be some. Calls are counted by the minute,
// when they are granted: what a process that died did not use is not given back,
// so that the budget errs on the side of the limit.
func (s *Store) TakeCalls(ctx context.Context, app string, n int, of Share) (granted int, wait time.Duration, err error) {
	if n < 1 || of.PerHour < 1 {
		return 0, 0, fmt.Errorf("budget %s: %d calls of %d per hour", app, n, of.PerHour)
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		now := s.now()
		h, err := hourIn(ctx, tx, app, now)
		if err != nil {
			return err
		}
		g := h.grant(of, n, now)
		if granted = g.atOnce + g.evenly; granted == 0 {
			wait = g.wait
			return nil
		}
		wait = useWithin
		_, err = tx.ExecContext(ctx, `insert into call_buckets (app, minute, calls, at_once, last_even) values (?, ?, ?, ?, ?)
			on conflict (app, minute) do update set calls = calls + excluded.calls, at_once = at_once + excluded.at_once,
				last_even = coalesce(excluded.last_even, last_even)`, app, minuteOf(now), granted, g.atOnce, Micros(g.lastEven))
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return granted, wait, nil
}

// CallRefused notes that the API refused a call of app as one too many: see Share.
func (s *Store) CallRefused(ctx context.Context, app string) error {
	_, err := s.Exec(ctx, `insert into call_buckets (app, minute, calls, refused) values (?, ?, 0, 1)
		on conflict (app, minute) do update set refused = 1`, app, minuteOf(s.now()))
	return err
}

// hourIn returns what of app's calls counts at a time, and sweeps the rest.
func hourIn(ctx context.Context, tx *sql.Tx, app string, now time.Time) (hour, error) {
	// Minutes more than an hour ahead come from a clock that was wrong.
	const apart = int64(countedFor / time.Minute)
	_, err := tx.ExecContext(ctx, "delete from call_buckets where app = ? and minute not between ? and ?", app, minuteOf(now)-apart+1, minuteOf(now)+apart)
	if err != nil {
		return nil, err
	}
	return Collect(ctx, tx, func(row func(...any) error) (m minute, err error) {
		err = row(&m.number, &m.calls, &m.atOnce, Instant(&m.lastEven), &m.refused)
		return m, err
	}, "select minute, calls, at_once, last_even, refused from call_buckets where app = ? order by minute", app)
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

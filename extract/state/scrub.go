package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// MarkScrub says, in the transaction that destroys a grant, that its bytes are to be
// wiped. Deleted tokens are overwritten where they stood (secure_delete), but the
// write-ahead log may still hold pages as they were before. Scrub takes the mark away.
func MarkScrub(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "insert into meta (key, value) values ('scrub', '') on conflict do nothing")
	return err
}

// Scrub empties the write-ahead log if a grant was destroyed since it last was,
// after which no byte of the sealed tokens is left in the state's files. It
// reports false if another process reads or writes at the moment: the mark
// stays, and the next Scrub does it.
func (s *Store) Scrub(ctx context.Context) (done bool, err error) {
	if due, err := s.ScrubDue(ctx); err != nil || !due {
		return err == nil, err
	}
	for began := time.Now(); !done; {
		var busy, pages, moved int
		if err := s.db.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &pages, &moved); err != nil {
			return false, fmt.Errorf("emptying the write-ahead log: %w", s.db.check(err))
		}
		if done = busy == 0; !done && time.Since(began) >= s.db.patience.least {
			return false, nil
		}
	}
	_, err = s.db.ExecContext(ctx, "delete from meta where key = 'scrub'")
	return err == nil, err
}

// ScrubDue reports whether bytes of what was deleted may be left in the state's files.
func (s *Store) ScrubDue(ctx context.Context) (bool, error) {
	var marks int
	err := s.db.QueryRowContext(ctx, "select count(*) from meta where key = 'scrub'").Scan(&marks)
	return marks > 0, s.db.check(err)
}

// Vacuum writes the state anew, so that nothing of deleted rows is left between those that
// stay, and marks that the write-ahead log is to be emptied: see Scrub.
func (s *Store) Vacuum(ctx context.Context) error {
	if err := s.Write(ctx, func(tx *sql.Tx) error { return MarkScrub(ctx, tx) }); err != nil {
		return err
	}
	return s.db.check(s.db.patiently(ctx, func() error {
		for _, q := range []string{"pragma temp_store = memory", "vacuum"} { // no copy in a folder for temporary files
			if _, err := s.db.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}))
}

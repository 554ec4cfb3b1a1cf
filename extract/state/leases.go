package state

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ErrLeaseLost says that another owner took the lease meanwhile.
var ErrLeaseLost = errors.New("refresh lease lost")

// Lease gives a lease to owner for ttl and reports whether it is theirs: false
// means that somebody else has it. The same owner takes it again to extend it. A
// lease ends with Release, or when the store through which it was taken is closed or
// its process dies. When its ttl has passed, it can be taken over.
func (s *Store) Lease(ctx context.Context, name, owner string, ttl time.Duration) (bool, error) {
	return s.lease(ctx, name, owner, ttl, true)
}

// LeaseAlive is Lease, but does not take over a lease whose process lives: its ttl
// is over too when the clock is set.
func (s *Store) LeaseAlive(ctx context.Context, name, owner string, ttl time.Duration) (bool, error) {
	return s.lease(ctx, name, owner, ttl, false)
}

// Extend makes a lease last for ttl from now on, in a transaction. If the owner holds
// it no longer, because it stood still for too long, ErrLeaseLost.
func (s *Store) Extend(ctx context.Context, tx *sql.Tx, name, owner string, ttl time.Duration) error {
	res, err := tx.ExecContext(ctx, "update leases set expires_at = ? where name = ? and owner = ?", Micros(s.now().Add(ttl)), name, owner)
	return Affected(res, err, ErrLeaseLost)
}

// Holds is nil if owner has a lease, in a transaction; else ErrLeaseLost.
func (s *Store) Holds(ctx context.Context, tx *sql.Tx, name, owner string) error {
	var n int
	err := tx.QueryRowContext(ctx, "select count(*) from leases where name = ? and owner = ?", name, owner).Scan(&n)
	if err == nil && n == 0 {
		err = ErrLeaseLost
	}
	return err
}

// Release ends owner's lease; if it holds none, nothing happens.
func (s *Store) Release(ctx context.Context, name, owner string) error {
	_, err := s.db.ExecContext(ctx, "delete from leases where name = ? and owner = ?", name, owner)
	return err
}

// lease takes a lease that is free, owner's, or its dead process's; and one whose
// time is over if takeOver says so.
func (s *Store) lease(ctx context.Context, name, owner string, ttl time.Duration, takeOver bool) (bool, error) {
	me, err := s.holder.id(s.NewID)
	if err != nil {
		return false, err
	}
	taken, err := s.tryLease(ctx, name, owner, me, ttl, takeOver)
	if taken || err != nil {
		return taken, err
	}
	freed, err := s.freeDead(ctx, name)
	if !freed || err != nil {
		return false, err
	}
	return s.tryLease(ctx, name, owner, me, ttl, takeOver)
}

func (s *Store) tryLease(ctx context.Context, name, owner, holder string, ttl time.Duration, takeOver bool) (bool, error) {
	now := s.now()
	res, err := s.db.ExecContext(ctx, `insert into leases (name, owner, holder, expires_at) values (?1, ?2, ?3, ?4)
		on conflict (name) do update set owner = excluded.owner, holder = excluded.holder, expires_at = excluded.expires_at
		where owner = excluded.owner or ?6 and expires_at <= ?5`,
		name, owner, holder, Micros(now.Add(ttl)), Micros(now), takeOver)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// freeDead ends the lease if its process is gone and reports whether it may be
// free now.
func (s *Store) freeDead(ctx context.Context, name string) (bool, error) {
	holder, err := One(ctx, s, ScanText, "select holder from leases where name = ?", name)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	dead, err := s.holder.dead(holder)
	if !dead || err != nil {
		return false, err
	}
	_, err = s.db.ExecContext(ctx, "delete from leases where name = ? and holder = ?", name, holder)
	return err == nil, err
}

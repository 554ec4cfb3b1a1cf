package state

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Claim lets owner fetch a participant for ttl and reports whether it may:
// false means that somebody else is at it. The same owner claims again to
// extend. A claim ends with Unclaim, when its ttl has passed, or when the store
// through which it was made is closed or its process dies. Of a participant who
// has withdrawn there are none: *WithdrawnError.
func (s *Store) Claim(ctx context.Context, participantID, owner string, ttl time.Duration) (bool, error) {
	if err := s.Standing(ctx, participantID); err != nil {
		return false, err
	}
	return s.lease(ctx, "participant "+participantID, owner, ttl, true)
}

// Unclaim ends owner's claim; if it holds none, nothing happens.
func (s *Store) Unclaim(ctx context.Context, participantID, owner string) error {
	return s.release(ctx, "participant "+participantID, owner)
}

// LeaseRefresh lets owner alone refresh a connection's tokens and reports whether
// it may. It is extended and ends as a claim does, but for its ttl: that is over
// too when the clock is set, and with a token on its way nobody else may present it.
func (s *Store) LeaseRefresh(ctx context.Context, connectionID, owner string, ttl time.Duration) (bool, error) {
	return s.lease(ctx, refreshLease(connectionID), owner, ttl, false)
}

// TakeOverRefresh is LeaseRefresh for who has waited for as long as a lease lasts by
// a clock that cannot be set: it takes also one that is over.
func (s *Store) TakeOverRefresh(ctx context.Context, connectionID, owner string, ttl time.Duration) (bool, error) {
	return s.lease(ctx, refreshLease(connectionID), owner, ttl, true)
}

// ExtendRefresh makes a refresh lease last for ttl from now on. If the owner holds
// it no longer, because it stood still for too long, ErrLeaseLost.
func (s *Store) ExtendRefresh(ctx context.Context, connectionID, owner string, ttl time.Duration) error {
	return s.write(ctx, func(tx *sql.Tx) error { return s.extend(ctx, tx, connectionID, owner, ttl) })
}

func (s *Store) extend(ctx context.Context, tx *sql.Tx, connectionID, owner string, ttl time.Duration) error {
	res, err := tx.ExecContext(ctx, "update leases set expires_at = ? where name = ? and owner = ?",
		micros(s.now().Add(ttl)), refreshLease(connectionID), owner)
	return affected(res, err, ErrLeaseLost)
}

// ReleaseRefresh ends owner's lease; if it holds none, nothing happens.
func (s *Store) ReleaseRefresh(ctx context.Context, connectionID, owner string) error {
	return s.release(ctx, refreshLease(connectionID), owner)
}

func refreshLease(connectionID string) string { return "refresh " + connectionID }

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
		name, owner, holder, micros(now.Add(ttl)), micros(now), takeOver)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// freeDead ends the lease if its process is gone and reports whether it may be
// free now.
func (s *Store) freeDead(ctx context.Context, name string) (bool, error) {
	holder, err := one(ctx, s.db, scanText, "select holder from leases where name = ?", name)
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

func (s *Store) release(ctx context.Context, name, owner string) error {
	_, err := s.db.ExecContext(ctx, "delete from leases where name = ? and owner = ?", name, owner)
	return err
}

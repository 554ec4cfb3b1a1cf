package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// ErrLeaseLost says that another owner took the lease meanwhile.
var ErrLeaseLost = errors.New("refresh lease lost")

// A Lease is the right of an owner to be alone at what its name says. It ends with
// Release, or when the store through which it was taken is closed or its process dies.
// When its time has passed, it can be taken over.
type Lease struct {
	store       *Store
	name, owner string
}

// Lease returns the lease of a name for an owner, who does not have it yet.
func (s *Store) Lease(name, owner string) Lease { return Lease{s, name, owner} }

// Take takes the lease for ttl and reports whether it is the owner's: false means that
// somebody else has it. Who has it takes it again to extend it.
func (l Lease) Take(ctx context.Context, ttl time.Duration) (bool, error) {
	return l.take(ctx, ttl, true)
}

// TakeFree is Take, but does not take over from a process that lives: a time is over
// too when the clock is set.
func (l Lease) TakeFree(ctx context.Context, ttl time.Duration) (bool, error) {
	return l.take(ctx, ttl, false)
}

// Extend makes the lease last for ttl from now on. If the owner has it no longer,
// because it stood still for too long, ErrLeaseLost.
func (l Lease) Extend(ctx context.Context, ttl time.Duration) error {
	return l.store.Write(ctx, func(tx *sql.Tx) error { return l.ExtendIn(ctx, tx, ttl) })
}

// ExtendIn is Extend in a transaction.
func (l Lease) ExtendIn(ctx context.Context, tx *sql.Tx, ttl time.Duration) error {
	res, err := tx.ExecContext(ctx, "update leases set expires_at = ? where name = ? and owner = ?", Micros(l.store.now().Add(ttl)), l.name, l.owner)
	return Affected(res, err, ErrLeaseLost)
}

// HeldIn is nil if the owner has the lease, in a transaction; else ErrLeaseLost.
func (l Lease) HeldIn(ctx context.Context, tx *sql.Tx) error {
	var n int
	err := tx.QueryRowContext(ctx, "select count(*) from leases where name = ? and owner = ?", l.name, l.owner).Scan(&n)
	if err == nil && n == 0 {
		err = ErrLeaseLost
	}
	return err
}

// Release ends the lease; if the owner does not have it, nothing happens.
func (l Lease) Release(ctx context.Context) error {
	_, err := l.store.Exec(ctx, "delete from leases where name = ? and owner = ?", l.name, l.owner)
	return err
}

// TakeAll is Take of many leases in one transaction, and reports of each whether it is
// the owner's.
func (s *Store) TakeAll(ctx context.Context, names []string, owner string, ttl time.Duration) ([]bool, error) {
	me, err := s.holder.id(s.NewID)
	if err != nil {
		return nil, err
	}
	taken, now := make([]bool, len(names)), s.now()
	err = s.Write(ctx, func(tx *sql.Tx) error {
		try, err := tx.PrepareContext(ctx, tryLease)
		for i, name := range names {
			if err == nil {
				taken[i], err = affectedOne(try.ExecContext(ctx, name, owner, me, Micros(now.Add(ttl)), Micros(now), true))
			}
		}
		return err
	})
	for i, name := range names {
		if err == nil && !taken[i] { // perhaps a dead process has it
			taken[i], err = s.Lease(name, owner).Take(ctx, ttl)
		}
	}
	return taken, err
}

// ReleaseAll is Release of many leases in one transaction.
func (s *Store) ReleaseAll(ctx context.Context, names []string, owner string) error {
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	_, err = s.Exec(ctx, "delete from leases where name in (select value from json_each(?)) and owner = ?", string(list), owner)
	return err
}

// take takes a lease that is free, the owner's, or its dead process's; and one whose
// time is over if takeOver says so.
func (l Lease) take(ctx context.Context, ttl time.Duration, takeOver bool) (bool, error) {
	me, err := l.store.holder.id(l.store.NewID)
	if err != nil {
		return false, err
	}
	taken, err := l.try(ctx, me, ttl, takeOver)
	if taken || err != nil {
		return taken, err
	}
	freed, err := l.store.freeDead(ctx, l.name)
	if !freed || err != nil {
		return false, err
	}
	return l.try(ctx, me, ttl, takeOver)
}

func (l Lease) try(ctx context.Context, holder string, ttl time.Duration, takeOver bool) (bool, error) {
	now := l.store.now()
	return affectedOne(l.store.Exec(ctx, tryLease, l.name, l.owner, holder, Micros(now.Add(ttl)), Micros(now), takeOver))
}

const tryLease = `insert into leases (name, owner, holder, expires_at) values (?1, ?2, ?3, ?4)
	on conflict (name) do update set owner = excluded.owner, holder = excluded.holder, expires_at = excluded.expires_at
	where owner = excluded.owner or ?6 and expires_at <= ?5`

// affectedOne reports whether a statement touched its row.
func affectedOne(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
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

// syncTTL outlives every sync; the lease of one ends with its process anyway.
const syncTTL = 24 * time.Hour

// BeginSync announces that a sync is under way, until EndSync or until the
// process ends: backfills leave it calls then.
func (s *Store) BeginSync(ctx context.Context, runID string) error {
	_, err := s.Lease(syncLease+runID, runID).Take(ctx, syncTTL)
	return err
}

// EndSync ends what BeginSync began.
func (s *Store) EndSync(ctx context.Context, runID string) error {
	return s.Lease(syncLease+runID, runID).Release(ctx)
}

const syncLease = "sync "

// SyncUnderWay reports whether a process that lives is at a sync. What dead ones
// left is swept.
func (s *Store) SyncUnderWay(ctx context.Context) (bool, error) {
	names, err := Collect(ctx, s, ScanText, "select name from leases where name glob ? and expires_at > ? order by name", syncLease+"*", Micros(s.now()))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if free, err := s.freeDead(ctx, name); !free || err != nil {
			return !free, err
		}
	}
	return false, nil
}

package consent

import (
	"context"
	"database/sql"
	"time"
)

// LeaseRefresh lets owner alone refresh a connection's tokens and reports whether
// it may. It is extended and ends as a claim does, but for its ttl: that is over
// too when the clock is set, and with a token on its way nobody else may present it.
func (r *Register) LeaseRefresh(ctx context.Context, connectionID, owner string, ttl time.Duration) (bool, error) {
	return r.Store.LeaseAlive(ctx, refreshLease(connectionID), owner, ttl)
}

// TakeOverRefresh is LeaseRefresh for who has waited for as long as a lease lasts by
// a clock that cannot be set: it takes also one that is over.
func (r *Register) TakeOverRefresh(ctx context.Context, connectionID, owner string, ttl time.Duration) (bool, error) {
	return r.Store.Lease(ctx, refreshLease(connectionID), owner, ttl)
}

// ExtendRefresh makes a refresh lease last for ttl from now on. If the owner holds
// it no longer, because it stood still for too long, state.ErrLeaseLost.
func (r *Register) ExtendRefresh(ctx context.Context, connectionID, owner string, ttl time.Duration) error {
	return r.Store.Write(ctx, func(tx *sql.Tx) error { return r.Store.Extend(ctx, tx, refreshLease(connectionID), owner, ttl) })
}

// ReleaseRefresh ends owner's lease; if it holds none, nothing happens.
func (r *Register) ReleaseRefresh(ctx context.Context, connectionID, owner string) error {
	return r.Store.Release(ctx, refreshLease(connectionID), owner)
}

func refreshLease(connectionID string) string { return "refresh " + connectionID }

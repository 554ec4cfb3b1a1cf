package consent

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// alone runs do while nobody else refreshes a connection, when what answered it is used.
// Right before, the lease is extended: had we stood still, a token might be on its way.
// Before comes ahead of the answers.
func (ts *Tokens) alone(ctx context.Context, id string, before, do func() error) error {
	lease := ts.register.refreshing(id, ts.register.Store.NewID())
	if err := await(ctx, lease); err != nil {
		return err
	}
	defer ts.release(ctx, id, lease)
	if err := before(); err != nil {
		return err
	}
	if err := ts.finish(ctx, id); err != nil {
		return err
	}
	if err := lease.Extend(ctx, leaseTTL); err != nil {
		return err
	}
	return do()
}

// await waits until nobody else refreshes the connection.
func await(ctx context.Context, lease state.Lease) error {
	began, take := time.Now(), lease.TakeFree // not the store's clock: it may be set meanwhile
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if time.Since(began) > leaseTTL {
			take = lease.Take
		}
		ok, err := take(ctx, leaseTTL)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (ts *Tokens) release(ctx context.Context, id string, lease state.Lease) {
	if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
		ts.client.log().Warn("refresh lease not released", "connection_id", id, "error", err)
	}
}

package dexcom

import (
	"context"
	"time"
)

// A taking is an answer on its way into a Room. Time that it waits there is not the
// server's.
type taking struct {
	place
	ctx     context.Context
	timer   *time.Timer // ends ctx after timeout
	timeout time.Duration
}

// take takes room for more bytes, and waits if it must.
func (t *taking) take(bytes int64) error {
	if t == nil || t.tryTake(bytes) {
		return nil
	}
	t.timer.Stop()
	defer t.timer.Reset(t.timeout)
	return t.place.take(t.ctx, bytes)
}

func (t *taking) give(bytes int64) {
	if t != nil {
		t.place.give(bytes)
	}
}

// ended is the error of a context that ended, nil if it has not: our timeout is a
// context.DeadlineExceeded.
func ended(ctx context.Context) error {
	if context.Cause(ctx) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

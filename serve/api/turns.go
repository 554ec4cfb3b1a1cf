package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// turnWithin is how long anybody waits for a turn.
const turnWithin = 10 * time.Second

// Turns are how many may do something at a time. No key has more than its part of them,
// however long it takes: so others have room.
type Turns struct {
	part int
	free chan struct{}

	mu   sync.Mutex
	each map[int64]chan struct{} // by key, of which there are few
}

// NewTurns are so many at a time, and of one key so many of them.
func NewTurns(all, part int) *Turns {
	return &Turns{part: part, free: make(chan struct{}, all), each: make(map[int64]chan struct{})}
}

// Take waits for a turn of the key of a request, which ends with end; a *Problem if none
// is free for 10 seconds.
func (t *Turns) Take(ctx context.Context) (end func(), err error) {
	late := time.NewTimer(turnWithin)
	defer late.Stop()
	own := t.of(KeyOf(ctx).ID)
	if err := enter(ctx, own, late, "this key is at as many as it may have at a time: try again"); err != nil {
		return nil, err
	}
	if err := enter(ctx, t.free, late, "others are at it: try again"); err != nil {
		<-own
		return nil, err
	}
	return func() { <-t.free; <-own }, nil
}

// of are the turns of a key.
func (t *Turns) of(key int64) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.each[key] == nil {
		t.each[key] = make(chan struct{}, t.part)
	}
	return t.each[key]
}

// enter waits until there is room, or it is late.
func enter(ctx context.Context, turns chan struct{}, late *time.Timer, why string) error {
	select {
	case turns <- struct{}{}:
		return nil
	case <-late.C:
		return &Problem{Status: http.StatusServiceUnavailable, Detail: why, RetryAfter: turnWithin}
	case <-ctx.Done():
		return ctx.Err()
	}
}

package api

import (
	"context"
	"net/http"
	"time"
)

// turnWithin is how long anybody waits for a turn.
const turnWithin = 10 * time.Second

// Turns are how many may do something at a time: as many as it holds.
type Turns chan struct{}

// Take waits for a turn, which ends with end; a *Problem if none is free for 10 seconds.
func (t Turns) Take(ctx context.Context) (end func(), err error) {
	late := time.NewTimer(turnWithin)
	defer late.Stop()
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-late.C:
		return nil, &Problem{Status: http.StatusServiceUnavailable, Detail: "others are at it: try again", RetryAfter: turnWithin}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

package webhook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// restAfterPanic is how long an endpoint rests at which the program failed.
const restAfterPanic = time.Minute

// A panicError is a panic that ended what was at work, and nothing else.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// guarded makes an error of a panic: a fault of what is told must not end who tells it,
// nor what runs beside.
func guarded(work func() error) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = &panicError{caught, debug.Stack()}
		}
	}()
	return work()
}

// about is what the log says of an error.
func about(err error) []any {
	if e, ok := errors.AsType[*panicError](err); ok {
		return []any{"error", err, "stack", string(e.stack)}
	}
	return []any{"error", err}
}

// rest waits after a panic, so that it does not happen again at once.
func rest(ctx context.Context, err error) {
	if _, ok := errors.AsType[*panicError](err); !ok {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(restAfterPanic):
	}
}

package call

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A StopError says that a run ended before all was held because it had used up
// what it was given. Either Calls or Duration is set.
type StopError struct {
	Calls    int           // requests the run was given
	Duration time.Duration // time the run was given
}

func (e *StopError) Error() string {
	if e.Duration > 0 {
		return fmt.Sprintf("stopped: %s were allowed", Spell(e.Duration))
	}
	return fmt.Sprintf("stopped: %d calls were allowed", e.Calls)
}

// A Quota is how many requests a run may send, counting everybody who sends any
// for it: the Fetcher, and what renews tokens. A nil Quota has no bounds.
type Quota struct {
	Max int

	mu   sync.Mutex
	used int
	over func(error) // told of each refusal
}

// Take takes one request, which is to be sent at once, or returns a *StopError.
func (q *Quota) Take() error { return q.take(1) }

// check is Take that takes none.
func (q *Quota) check() error { return q.take(0) }

func (q *Quota) take(n int) error {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used < q.Max {
		q.used += n
		return nil
	}
	err := &StopError{Calls: q.Max}
	if q.over != nil {
		q.over(err)
	}
	return err
}

// WhenOver lets f know when more is asked for than there is.
func (q *Quota) WhenOver(f func(error)) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over = f
}

// outlasting returns a context for a request that is sent: it ends with ctx,
// except where the run has used up what it was given. Then the answer is waited
// for, because it is paid for.
func outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		if StopOf(ctx) == nil {
			cancel()
		}
	})
	return out, func() { unhook(); cancel() }
}

// StopOf returns the *StopError for which ctx ended, nil if there is none.
func StopOf(ctx context.Context) *StopError {
	stop, _ := errors.AsType[*StopError](context.Cause(ctx))
	return stop
}

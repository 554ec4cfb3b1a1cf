package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A BusyError says that another process held the state until we gave up. SQLite
// does not say which one. Nothing was changed.
type BusyError struct {
	Path   string        // of state.db
	Waited time.Duration // for it
	Err    error         // SQLite's
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("state %s: another process has held it for %.0f seconds, and does not let go", e.Path, e.Waited.Seconds())
}

// Unwrap returns SQLite's error.
func (e *BusyError) Unwrap() error { return e.Err }

const (
	// busyTimeout is how long everybody waits for another process that holds the file.
	busyTimeout = 10 * time.Second
	// oneTry is how much of that SQLite waits by itself: meanwhile nothing interrupts it.
	oneTry = 200 * time.Millisecond
)

// A patience says for how long one try after another is made while another process
// holds the file.
type patience struct {
	mu     sync.Mutex
	least  time.Duration // busyTimeout
	limit  time.Duration
	told   func()
	gaveUp bool // the last wait was in vain: until the file can be written again nobody waits as long
}

// WaitUpTo lets whatever needs the state from now on try for so long while another
// process holds it, in place of 10 s: for runs whose claims last longer than that.
// Told is called when a wait begins to last, perhaps more than once; it may be nil.
// When a wait was in vain, 10 s hold again until the state can be written.
func (s *Store) WaitUpTo(limit time.Duration, told func()) {
	p := s.db.patience
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit, p.told = limit, told
}

// again reports whether another try is made after one that was in vain.
func (p *patience) again(waited time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if waited < p.least {
		return true
	}
	if p.gaveUp = p.gaveUp || waited >= p.limit; p.gaveUp {
		return false
	}
	if p.told != nil {
		p.told()
	}
	return true
}

// free notes that the state could be written.
func (p *patience) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gaveUp = false
}

// patiently does what needs the file, again while another process holds it and ctx
// goes on, and returns what check says of its error. What is done changes nothing but
// the file.
func (d database) patiently(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := d.check(do())
		var busy *BusyError
		if !errors.As(err, &busy) {
			return err
		}
		busy.Waited = max(busy.Waited, time.Since(began).Round(time.Second))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !d.patience.again(time.Since(began)) {
			return err
		}
	}
}

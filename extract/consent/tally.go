package consent

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// tally counts how the refreshes of this run went, to tell an outage from
// people who left.
type tally struct {
	mu       sync.Mutex
	failed   map[string]error     // by connection: how its last refresh failed; nil: it did not
	last     error                // how the last that failed did
	takenAt  map[string]time.Time // by region: when its app was last accepted
	rejected map[string]*WrongClientError
}

const (
	stopShare = 5 // stop when more than one in five fails,
	stopLeast = 5 // and at least so many

	acceptedFor = 10 * time.Minute
)

// good notes that a refresh brought tokens, so the app of its region is accepted.
func (t *tally) good(connectionID, region string, at time.Time) {
	t.note(connectionID, nil)
	t.accept(region, at)
}

func (t *tally) accept(region string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.takenAt == nil {
		t.takenAt = map[string]time.Time{}
	}
	t.takenAt[region] = at
	delete(t.rejected, region)
}

// accepted reports whether the app of a region was accepted a moment ago.
func (t *tally) accepted(region string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.takenAt[region]
	return ok && now.Sub(at) < acceptedFor
}

// bad counts a failure, but not of a connection that was doubtful before the
// run: a cohort may well begin with people who left.
func (t *tally) bad(h held, why error) {
	if h.Status == Connected && h.RefusedSince.IsZero() {
		t.note(h.Connection.ID, why)
	}
}

func (t *tally) note(connectionID string, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = map[string]error{}
	}
	t.failed[connectionID] = why
	if why != nil {
		t.last = why
	}
}

func (t *tally) wrongClient(e *WrongClientError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rejected == nil {
		t.rejected = map[string]*WrongClientError{}
	}
	t.rejected[e.Region] = e
}

// reached forgets the failures of refreshes that brought no answer.
func (t *tally) reached() {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.failed, func(_ string, why error) bool {
		var temporary *TemporaryError
		return errors.As(why, &temporary) && temporary.Err != nil
	})
}

// stopped says why no token of a region is to be spent any more in this run.
func (t *tally) stopped(region string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.rejected[region]; e != nil {
		return e
	}
	n := 0
	for _, failed := range t.failed {
		if failed != nil {
			n++
		}
	}
	if n >= stopLeast && n*stopShare > len(t.failed) {
		return &RefreshStoppedError{t.last}
	}
	return nil
}

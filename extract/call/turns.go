package call

import (
	"context"
	"sync"
)

// turns hands out a number of places, fairly between participants: the next one
// goes to the participant that has fewest, and among equals to who came first.
// No participant gets more than three quarters of them, so that one whose
// answers are slow leaves room for others.
type turns struct {
	perParticipant int

	mu      sync.Mutex
	free    int
	holding map[string]int // by participant
	waiting []*waiter      // in order of arrival
}

type waiter struct {
	participant string
	granted     chan struct{}
}

func newTurns(n int) *turns {
	return &turns{free: n, perParticipant: max(1, n*3/4), holding: map[string]int{}}
}

// take waits for a place. The caller gives it back.
func (t *turns) take(ctx context.Context, participant string) error {
	w := &waiter{participant, make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	t.grant()
	t.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting {
		if other == w {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	t.put(participant) // granted at the same moment
	return ctx.Err()
}

// give returns a place.
func (t *turns) give(participant string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(participant)
}

func (t *turns) put(participant string) {
	t.free++
	if t.holding[participant]--; t.holding[participant] == 0 {
		delete(t.holding, participant)
	}
	t.grant()
}

// grant gives free places to those who wait.
func (t *turns) grant() {
	for t.free > 0 {
		next := -1
		for i, w := range t.waiting {
			n := t.holding[w.participant]
			if n < t.perParticipant && (next < 0 || n < t.holding[t.waiting[next].participant]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := t.waiting[next]
		t.waiting = append(t.waiting[:next], t.waiting[next+1:]...)
		t.free--
		t.holding[w.participant]++
		close(w.granted)
	}
}

package call

import (
	"context"
	"slices"
)

// turns are the places of an app for calls at a time, which go round fairly between
// participants: the next one goes to the participant that has fewest, and among equals
// to who came first. No participant gets more than three quarters of them, so that one
// whose answers are slow leaves room for others.
type turns struct {
	perParticipant int
	free           int
	holding        map[string]int // by participant
	waiting        []*waiter      // in order of arrival
}

type waiter struct {
	participant string
	granted     chan struct{}
}

func newTurns(n int) turns {
	return turns{free: n, perParticipant: max(1, n*3/4), holding: map[string]int{}}
}

// place waits for a place. The caller leaves it.
func (g *Gate) place(ctx context.Context, participant string) (leave func(), err error) {
	w := &waiter{participant, make(chan struct{})}
	leave = func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.turns.put(w)
	}
	g.mu.Lock()
	g.turns.waiting = append(g.turns.waiting, w)
	g.turns.grant()
	g.mu.Unlock()
	select {
	case <-w.granted:
		return leave, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// put takes w out of the line, or its place back.
func (t *turns) put(w *waiter) {
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return
	}
	t.free++
	if t.holding[w.participant]--; t.holding[w.participant] == 0 {
		delete(t.holding, w.participant)
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
		t.waiting = slices.Delete(t.waiting, next, next+1)
		t.free--
		t.holding[w.participant]++
		close(w.granted)
	}
}

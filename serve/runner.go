package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
)

// A Result is what came of a refresh of one participant.
type Result struct {
	Err error // nil: all that is new of them is loaded
}

// ErrStopping says that the process ends: what was asked for is not done.
var ErrStopping = errors.New("serve is stopping")

// A Runner lets one job run at a time: a run of the schedule, or a refresh of everybody
// who was asked for since the last. So no two jobs of this process ask about one
// participant, or wait for one another's lock. Its fields are set before use.
type Runner struct {
	// Fetch fetches and loads what is new of participants. It returns what went wrong, by
	// participant; nobody is missing in the end who is not in it.
	Fetch func(ctx context.Context, participants []string) map[string]error
	Log   *slog.Logger

	once sync.Once
	turn chan struct{} // held by the job that runs
	wake chan struct{}

	mu      sync.Mutex
	stopped bool
	waiting []*refresh
}

// A refresh is of one participant, and perhaps asked for by several.
type refresh struct {
	participant string
	done        []chan Result
}

func (r *Runner) init() {
	r.once.Do(func() { r.turn, r.wake = make(chan struct{}, 1), make(chan struct{}, 1) })
}

// Refresh has what is new of a participant fetched and loaded when the job in hand has
// ended. The result comes when that is done, also to nobody: whoever does not wait for it
// lets it go on.
func (r *Runner) Refresh(_ context.Context, participant string) <-chan Result {
	r.init()
	done := make(chan Result, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		done <- Result{ErrStopping}
		return done
	}
	i := slices.IndexFunc(r.waiting, func(w *refresh) bool { return w.participant == participant })
	if i < 0 {
		i, r.waiting = len(r.waiting), append(r.waiting, &refresh{participant: participant})
	}
	r.waiting[i].done = append(r.waiting[i].done, done)
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
	return done
}

// Run does what is asked for until ctx ends, which interrupts the refresh in hand.
func (r *Runner) Run(ctx context.Context) {
	r.init()
	defer r.stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		r.InTurn(ctx, func() { r.refreshAll(ctx) })
	}
}

// InTurn does a job when no other one runs. It does nothing if ctx ends before.
func (r *Runner) InTurn(ctx context.Context, job func()) {
	r.init()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return
	}
	if ctx.Err() == nil {
		job()
	}
}

// refreshAll refreshes everybody who waits, in one job.
func (r *Runner) refreshAll(ctx context.Context) {
	r.mu.Lock()
	all := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	if len(all) == 0 {
		return
	}
	ids := make([]string, len(all))
	for i, w := range all {
		ids[i] = w.participant
	}
	failed, err := r.fetch(ctx, ids)
	for _, w := range all {
		w.tell(errors.Join(err, failed[w.participant]))
	}
}

// fetch is Fetch, of which a fault ends no other part of the process.
func (r *Runner) fetch(ctx context.Context, ids []string) (failed map[string]error, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			r.Log.Error("refresh failed", "panic", caught, "stack", string(debug.Stack()))
			err = fmt.Errorf("refresh: %v", caught)
		}
	}()
	return r.Fetch(ctx, ids), nil
}

// stop tells everybody who still waits that nothing comes.
func (r *Runner) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	for _, w := range r.waiting {
		w.tell(ErrStopping)
	}
	r.waiting = nil
}

func (w *refresh) tell(err error) {
	for _, done := range w.done {
		done <- Result{err}
	}
}

package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Deliverer sends what waits in the outbox. Its fields are set before use and then
// frozen.
type Deliverer struct {
	Endpoints Endpoints
	Blinding  Blinding

	// Ready is an error while nothing is to be filled or sent; nil: there is no such time.
	// It is asked at the beginning and every half minute.
	Ready func(ctx context.Context) error

	// Fill puts into the outbox what happened. It is called now and then, also where
	// nobody is to be told.
	Fill func(ctx context.Context) error

	// Changed is told whether this process puts into the outbox what happens; nil: nobody
	// asks.
	Changed func(up bool)

	Every     time.Duration     // how often the outbox is looked into; 0: 5 seconds
	Transport http.RoundTripper // nil: one that refuses addresses that are not public, unless Endpoints.AllowPrivate
	Chance    func() float64    // draws the jitter, from 0 to 1; nil: at random
	Agent     string            // User-Agent
	Log       *slog.Logger

	mu   sync.Mutex
	busy map[int64]bool // endpoints to which something is being sent
}

const (
	defaultEvery = 5 * time.Second
	leaseFor     = 5 * time.Minute
	renewAfter   = 30 * time.Second
	lease        = "webhooks"
)

// Run fills and sends until ctx ends: then it waits for the attempts in hand, which are
// given up. One process of a study does it at a time; the others wait for its end.
func (d *Deliverer) Run(ctx context.Context) {
	r := &running{Deliverer: d, lease: d.Endpoints.Store.Lease(lease, d.Endpoints.Store.NewID()), sender: d.sender()}
	d.busy = make(map[int64]bool)
	every := d.Every
	if every == 0 {
		every = defaultEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var work sync.WaitGroup
	defer func() {
		work.Wait()
		if err := r.lease.Release(context.WithoutCancel(ctx)); err != nil {
			d.Log.Warn("webhooks not handed over", "error", err)
		}
	}()
	work.Go(func() { r.fillNowAndThen(ctx, every) })
	for {
		if err := guarded(func() error { return r.round(ctx, &work) }); err != nil && ctx.Err() == nil {
			r.Log.Warn("endpoints not read", about(err)...)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A running Deliverer.
type running struct {
	*Deliverer
	sender sender
	lease  state.Lease

	has    bool      // the lease, until until
	until  time.Time // guarded by mu
	putOff string    // why has is false, as it was logged; guarded by mu
	failed string    // what was logged last, so that it is not logged again and again
}

// mine reports whether this process is the one that fills and sends. It asks now and
// then: a lease is written down.
func (r *running) mine(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !now.Before(r.until) {
		mine, err := r.lease.Take(ctx, leaseFor)
		if mine && err == nil && r.Ready != nil {
			err = r.Ready(ctx)
		}
		if err != nil && ctx.Err() == nil && err.Error() != r.putOff {
			r.Log.Warn("webhooks are put off", "error", err)
			r.putOff = err.Error()
		}
		r.has, r.until = mine && err == nil, now.Add(renewAfter)
	}
	return r.has
}

func (r *running) fillNowAndThen(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer r.changed(false)
	for {
		r.changed(r.fill(ctx))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *running) changed(up bool) {
	if r.Changed != nil {
		r.Changed(up)
	}
}

// fill reports whether all that happened is in the outbox, by this process. It logs what
// goes wrong once, and the next time it is tried again.
func (r *running) fill(ctx context.Context) bool {
	mine := false
	err := guarded(func() error {
		if mine = r.mine(ctx); !mine {
			return nil
		}
		return r.Fill(ctx)
	})
	if err == nil || ctx.Err() != nil {
		r.failed = ""
		return mine && err == nil
	}
	if text := err.Error(); text != r.failed {
		r.failed = text
		r.Log.Warn("what happened cannot be told yet", about(err)...)
	}
	return false
}

// round begins to send to each endpoint for which something is due, unless it is being
// sent to already: so nobody waits for anybody else.
func (r *running) round(ctx context.Context, work *sync.WaitGroup) error {
	if !r.mine(ctx) {
		return nil
	}
	all, err := r.Endpoints.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Enabled() && !r.Endpoints.Store.Now().Before(e.WaitUntil) && r.claim(e.ID) {
			work.Go(func() {
				defer r.free(e.ID)
				err := guarded(func() error { return r.serve(ctx, e) })
				if err != nil && ctx.Err() == nil {
					r.Log.Warn("webhooks not sent", append(about(err), "endpoint", e.Name())...)
				}
				rest(ctx, err)
			})
		}
	}
	return nil
}

func (d *Deliverer) claim(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[id] {
		return false
	}
	d.busy[id] = true
	return true
}

func (d *Deliverer) free(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, id)
}

package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// againAfter is how long a part that failed rests.
const againAfter = time.Minute

// A Part is something that is served beside the schedule, such as the consent pages. When
// it fails it is tried again, and nothing else ends. Its fields are set before use.
type Part struct {
	Name    string
	Log     *slog.Logger
	Changed func(up bool) // nil: nobody asks
	// Work is the part: it calls up once it can answer, and returns when ctx ends, or with
	// why it cannot go on.
	Work func(ctx context.Context, up func(http.Handler)) error

	handler atomic.Pointer[http.Handler]
}

// Run keeps the part up until ctx ends.
func (p *Part) Run(ctx context.Context) {
	told := ""
	for ctx.Err() == nil {
		p.set(nil)
		err := p.try(ctx)
		p.set(nil)
		if ctx.Err() != nil && err == nil {
			return
		}
		if text := fmt.Sprint(err); text != told {
			told = text
			p.Log.Warn("a part of serve is down and is tried again every minute", "part", p.Name, "error", err)
		}
		sleepUntil(ctx, time.Now().Add(againAfter))
	}
}

func (p *Part) try(ctx context.Context) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			p.Log.Error("a part of serve failed", "part", p.Name, "panic", caught, "stack", string(debug.Stack()))
			err = fmt.Errorf("%v", caught)
		}
	}()
	return p.Work(ctx, func(h http.Handler) { p.set(&h) })
}

func (p *Part) set(h *http.Handler) {
	p.handler.Store(h)
	if p.Changed != nil {
		p.Changed(h != nil)
	}
}

// ServeHTTP answers with the part's handler, or that it is down for now.
func (p *Part) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := p.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "60")
	http.Error(w, "not available at the moment: try again in a minute", http.StatusServiceUnavailable)
}

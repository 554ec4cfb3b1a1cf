package call

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// clockLimit is how far our clock may be off the server's at all.
const clockLimit = 24 * time.Hour

// A Clock compares our clock with the servers'. Its fields are set before use; Check
// may be called by many goroutines.
type Clock struct {
	Now    func() time.Time
	Logger *slog.Logger

	mu     sync.Mutex
	warned bool
}

// Check returns a *ClockError if our clock is more than a day off the server's, which
// is zero where it sent none; over two minutes it logs a warning, once.
func (c *Clock) Check(server time.Time) error {
	if server.IsZero() {
		return nil
	}
	now := c.Now()
	off := now.Sub(server).Abs()
	if off > clockLimit {
		return &ClockError{now, server}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if off > raw.ClockTolerance && !c.warned {
		c.warned = true
		c.Logger.Warn("clock differs from the server's", "ours", now.UTC(), "server", server.UTC())
	}
	return nil
}

// Header is what an answer, complete at the given time, says of itself in the log.
func Header(a dexcom.Answer, asked time.Time) raw.Header {
	status := http.StatusOK
	if a.NoContent {
		status = http.StatusNoContent
	}
	return raw.Header{
		Resource:    string(a.Resource),
		WindowStart: a.Start,
		WindowEnd:   a.End,
		LastSync:    a.LastSync,
		Status:      status,
		AskedAt:     asked,
		ServerDate:  a.Date,
		Records:     a.Records,
	}
}

package call

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// clockLimit is how far our clock may be off the server's at all.
const clockLimit = 24 * time.Hour

// A Recorder puts the answers of a run into the log. Its fields are set before use; its
// methods may be called by many goroutines.
type Recorder struct {
	Log    *raw.Log
	RunID  string
	Now    func() time.Time
	Logger *slog.Logger

	mu     sync.Mutex
	warned bool
}

// Record appends an answer, complete by now, that came through a participant's
// connection; beat says why it was asked for. One that ctx ends while it waits for its
// turn is not written. *ClockError: the log would date it wrong.
func (r *Recorder) Record(ctx context.Context, participantID, connectionID, beat string, a dexcom.Answer) (raw.Entry, error) {
	if err := r.CheckClock(a.Date); err != nil {
		return raw.Entry{}, err
	}
	status := http.StatusOK
	if a.NoContent {
		status = http.StatusNoContent
	}
	return r.Log.Append(ctx, raw.Header{
		RunID:         r.RunID,
		ParticipantID: participantID,
		ConnectionID:  connectionID,
		Resource:      string(a.Resource),
		Beat:          beat,
		WindowStart:   a.Start,
		WindowEnd:     a.End,
		LastSync:      a.LastSync,
		Status:        status,
		AskedAt:       r.Now(),
		ServerDate:    a.Date,
		Records:       a.Records,
	}, a.Body)
}

// CheckClock returns a *ClockError if our clock is more than a day off the server's,
// which is zero where it sent none; over two minutes it logs a warning, once.
func (r *Recorder) CheckClock(server time.Time) error {
	if server.IsZero() {
		return nil
	}
	now := r.Now()
	off := now.Sub(server).Abs()
	if off > clockLimit {
		return &ClockError{now, server}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if off > raw.ClockTolerance && !r.warned {
		r.warned = true
		r.Logger.Warn("clock differs from the server's", "ours", now.UTC(), "server", server.UTC())
	}
	return nil
}

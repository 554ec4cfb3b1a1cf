package raw

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// A Header says what an answer answers. Times are UTC, microseconds.
type Header struct {
	RequestID     string    `json:"request_id"`            // ULID
	RunID         string    `json:"run_id,omitzero"`       // ULID of the run that asked
	ParticipantID string    `json:"participant_id"`        // whose data it is
	ConnectionID  string    `json:"connection_id"`         // through which Dexcom account
	Resource      string    `json:"resource"`              // egvs, events, calibrations, alerts, devices, dataRange
	Beat          string    `json:"beat,omitzero"`         // why: backfill, news, trailing, deep, refresh, connect; stray: of another account
	WindowStart   time.Time `json:"window_start,omitzero"` // inclusive; zero: no window
	WindowEnd     time.Time `json:"window_end,omitzero"`   // exclusive
	LastSync      time.Time `json:"last_sync,omitzero"`    // dataRange only; zero: not sent
	Status        int       `json:"status"`                // HTTP status
	AskedAt       time.Time `json:"asked_at"`              // when the answer was complete, by our clock
	ServerDate    time.Time `json:"server_date,omitzero"`  // Date header; zero: not sent
	Encoding      string    `json:"encoding"`              // of the stored body: gzip (as received) or zstd (came plain)
	SHA256        string    `json:"sha256"`                // hex, of the body as received
	Length        int64     `json:"length"`                // bytes as received
	Records       int       `json:"records"`               // records in the answer
}

// ClockTolerance is how far our clock may be off the server's without a word.
const ClockTolerance = 2 * time.Minute

// Answered is when the answer came: by our clock, but by the server's where the two
// are well apart. Else what was read while ours was ahead would count as read later
// than all that is uploaded until then.
func (h Header) Answered() time.Time {
	if !h.ServerDate.IsZero() && h.AskedAt.Sub(h.ServerDate).Abs() > ClockTolerance {
		return h.ServerDate
	}
	return h.AskedAt
}

// complete returns h with its times in UTC and whole microseconds and with a
// request id.
func (h Header) complete() (Header, error) {
	if h.AskedAt.IsZero() {
		return h, errors.New("raw log entry without AskedAt")
	}
	for _, t := range []*time.Time{&h.WindowStart, &h.WindowEnd, &h.LastSync, &h.AskedAt, &h.ServerDate} {
		*t = t.UTC().Truncate(time.Microsecond)
	}
	if h.RequestID != "" {
		return h, nil
	}
	id, err := ulid.New(ulid.Timestamp(h.AskedAt), rand.Reader)
	if err != nil {
		return h, fmt.Errorf("request id: %w", err)
	}
	h.RequestID = id.String()
	return h, nil
}

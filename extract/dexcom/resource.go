package dexcom

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// A Resource is one endpoint's records, by the name in its path.
type Resource string

// The resources of the API. All but Devices and DataRange take a window.
const (
	EGVs         Resource = "egvs"
	Events       Resource = "events"
	Calibrations Resource = "calibrations"
	Alerts       Resource = "alerts"
	Devices      Resource = "devices"
	DataRange    Resource = "dataRange"
)

// path is the resource's path under the base URL.
func (r Resource) path() string { return "/v3/users/self/" + string(r) }

// names reports whether recordType names r: Dexcom's schema says egv, its
// samples say egvs, and letter case is not to be relied on.
func (r Resource) names(recordType string) bool {
	return strings.EqualFold(recordType, string(r)) || strings.EqualFold(recordType, r.one())
}

// one is r in the singular.
func (r Resource) one() string { return strings.TrimSuffix(string(r), "s") }

// A Request asks one resource for one window. Start and End are UTC, half
// open; Devices takes none. LastSync belongs to DataRange alone, may be zero.
type Request struct {
	Resource   Resource
	Start, End time.Time
	LastSync   time.Time
}

// windowed reports whether r asks for a window.
func (r Request) windowed() bool { return r.Resource != Devices && r.Resource != DataRange }

// query is r's query string. The API takes whole seconds without a zone, so
// Start is rounded down and End up: a window of 30 days must start on one.
// lastSyncTime in contrast needs a zone.
func (r Request) query() (string, error) {
	switch r.Resource {
	case Devices:
		return "", nil
	case DataRange:
		if r.LastSync.IsZero() {
			return "", nil
		}
		return url.Values{"lastSyncTime": {r.LastSync.UTC().Format(time.RFC3339)}}.Encode(), nil
	case EGVs, Events, Calibrations, Alerts:
		if !r.Start.Before(r.End) {
			return "", fmt.Errorf("%s: window from %s to %s is empty", r.Resource, r.Start, r.End)
		}
		start, end := r.Start.UTC().Truncate(time.Second), r.End.UTC().Truncate(time.Second)
		if end.Before(r.End) {
			end = end.Add(time.Second)
		}
		const layout = "2006-01-02T15:04:05"
		return url.Values{"startDate": {start.Format(layout)}, "endDate": {end.Format(layout)}}.Encode(), nil
	}
	return "", fmt.Errorf("resource %q is not one of Dexcom's", r.Resource)
}

// An Answer is a complete, well-formed answer as received.
type Answer struct {
	Request
	// NoContent says that the status was 204: there is no body, so the answer
	// names neither its resource nor whose it is. It says that there are no
	// records, which is to be believed only where dataRange says so too.
	NoContent bool

	Date     time.Time // server's Date header, UTC; zero if it sent none
	Body     []byte    // as received
	Encoding string    // "gzip" or "" (plain)
	Records  int       // records in the envelope (0 for dataRange)
	UserID   string    // Dexcom's, stable per account and app, empty if it was not sent: never log it

	place *place // what Body takes of a Room; nil: nothing
}

// Release gives back the room that the body takes: it is done with. A second time
// does nothing.
func (a Answer) Release() {
	if a.place != nil {
		a.place.leave()
	}
}

// Take takes as much more room as times the body, for copies of it, and waits for
// it until ctx ends. An answer that was released takes nothing.
func (a Answer) Take(ctx context.Context, times int) error {
	if a.place == nil || a.place.bytes == 0 {
		return nil
	}
	return a.place.take(ctx, int64(times)*int64(len(a.Body)))
}

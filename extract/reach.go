package extract

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	maxUnreached   = activeParticipants // requests given up in a row: the first of each participant under way
	unreachedSince = time.Minute        // an app that answered lately is waited for
)

// A reach notices that no connection to an app comes about, so that a cohort
// does not wait out the retries of every participant when the network is down.
// It counts the requests that were given up, not the tries; and after the API
// answered, only what fails a minute later counts as down, for a long run should
// outlast a short outage. Once down, an app stays so for the rest of the run.
type reach struct {
	app string

	mu       sync.Mutex
	failed   int       // requests given up since the API last answered
	answered time.Time // when it did
	down     error
}

// check returns why nothing needs to be tried any more, nil for nothing.
func (r *reach) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.down
}

// gaveUpOn notes that a request was given up on because of err.
func (r *reach) gaveUpOn(err error) {
	cause := unconnected(err)
	if cause == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed++; r.down == nil && r.failed >= maxUnreached && time.Since(r.answered) > unreachedSince {
		// The cause alone: err may name a participant.
		r.down = fmt.Errorf("app %s cannot be reached: %w", r.app, cause)
	}
}

// unconnected returns why no connection came about, of what err says the cause
// alone; nil: one did, as far as err tells.
func unconnected(err error) error {
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") {
		return dial
	}
	if certificate := (*tls.CertificateVerificationError)(nil); errors.As(err, &certificate) {
		return certificate // such as one that is not valid yet by our clock
	}
	return nil
}

// came notes what a call came back with. Whatever the API itself said, it was
// reached.
func (r *reach) came(err error) {
	var status *dexcom.StatusError
	var body *dexcom.BodyError
	if err != nil && !errors.As(err, &status) && !errors.As(err, &body) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed, r.answered = 0, time.Now()
}

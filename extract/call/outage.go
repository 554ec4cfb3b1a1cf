package call

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	// maxMissed is how many calls in a row bring no answer before the API is
	// looked at, and maxMissedBy of how many participants they are: one alone may
	// have a fault of its own.
	maxMissed   = 5
	maxMissedBy = 2

	firstLook = time.Second      // between two looks, doubled after each
	lastLook  = 30 * time.Second // but not beyond

	// maxPatience is for how long a run waits for an app, if it lasts as long.
	maxPatience = 30 * time.Minute
)

// patience is how long ctx's run may wait for something before it is of no use.
func patience(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(maxPatience, time.Until(end))
	}
	return maxPatience
}

// An outage holds the requests of an app back while the API cannot be reached.
// Calls in a row that bring no answer make it suspect one: then one of those who
// wait looks at the API on behalf of all, which takes nobody's token, until it
// answers or patience is over.
type outage struct {
	of   *Settings
	look func(context.Context) (unreached, err error) // err: why it could not even look

	looking chan struct{} // held by the one who looks

	mu      sync.Mutex
	atWork  int             // connections being fetched from
	reached bool            // an answer came in this run
	missed  int             // calls in a row without an answer
	by      map[string]bool // whose they were
	since   time.Time       // when the first of them failed
	cause   error           // why the last one did
	under   *episode        // nil: the API can be reached, as far as is known
	gaveUp  error           // an *OutageError; no call is made any more
}

// An episode is one time that an outage was suspected.
type episode struct {
	began time.Time
	ended chan struct{} // closed when it has
	real  bool          // a look brought no answer either; guarded by the outage's mu
}

func newOutage(of *Settings) *outage {
	return &outage{of: of, looking: make(chan struct{}, 1), by: map[string]bool{}}
}

// enter counts a connection that is fetched from; leave when it no longer is.
func (o *outage) enter() (leave func()) {
	add := func(n int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.atWork += n
	}
	add(1)
	return func() { add(-1) }
}

// note takes down what a participant's call, begun at the given time, came back
// with. An answer to a call that was under way when others began to miss theirs says
// nothing of how it is now. A refresh that brought no answer is reason enough to
// look: its token may have been spent, so it is not presented again before the API
// is known to answer.
func (o *outage) note(participantID string, begun time.Time, err error) {
	token, isToken := errors.AsType[*TokenError](err)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case gotAnswer(err):
		o.reached = true
		if begun.After(o.since) {
			o.missed = 0
			clear(o.by)
			o.end()
		}
	case isToken && token.Unanswered:
		o.miss(participantID, err)
		o.suspect()
	case unreached(err) != nil:
		o.miss(participantID, err)
		if o.missed >= maxMissed && len(o.by) >= min(maxMissedBy, o.atWork) {
			o.suspect()
		}
	}
}

// miss counts a call of a participant that brought no answer. The caller holds mu.
func (o *outage) miss(participantID string, err error) {
	if o.missed == 0 {
		o.since = time.Now()
	}
	o.missed++
	o.by[participantID] = true
	// The cause alone: err may name a participant.
	o.cause = cmp.Or(unreached(err), o.cause, ErrNoAnswer)
}

// suspect begins an episode unless one is under way. The caller holds mu.
func (o *outage) suspect() {
	if o.under == nil && o.gaveUp == nil {
		o.under = &episode{began: o.since, ended: make(chan struct{})}
	}
}

// end ends the episode under way, if one is. The caller holds mu.
func (o *outage) end() {
	if o.under == nil {
		return
	}
	if o.under.real {
		o.of.Logger.Warn("app can be reached again", "app", o.of.App, "after", time.Since(o.under.began).Round(time.Second))
	}
	close(o.under.ended)
	o.under, o.missed = nil, 0
	clear(o.by)
	if o.of.Reached != nil {
		o.of.Reached()
	}
}

// wait returns at once if the API can be reached as far as is known, else when it
// can. Waited reports whether there was an outage indeed. The error is an
// *OutageError when patience is over, or ctx's.
func (o *outage) wait(ctx context.Context) (waited bool, err error) {
	for {
		o.mu.Lock()
		under, gaveUp := o.under, o.gaveUp
		o.mu.Unlock()
		if under == nil || gaveUp != nil {
			return waited, gaveUp
		}
		select {
		case o.looking <- struct{}{}:
			err = o.await(ctx, under)
			<-o.looking
		case <-under.ended:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return waited, err
		}
		o.mu.Lock()
		waited = waited || under.real
		o.mu.Unlock()
	}
}

// await looks at the API until it answers, and ends under then. It gives up when
// patience is over.
func (o *outage) await(ctx context.Context, under *episode) error {
	end := under.began.Add(maxPatience)
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		select {
		case <-under.ended: // an answer to something else came
			return nil
		default:
		}
		cause, err := o.look(ctx)
		if err != nil {
			return err
		}
		if cause == nil {
			o.mu.Lock()
			o.reached = true
			o.end()
			o.mu.Unlock()
			return nil
		}
		left := time.Until(end)
		if err := o.confirm(under, cause, left); err != nil {
			return err
		}
		select {
		case <-under.ended:
		case <-time.After(min(o.of.Jitter(pause), left)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// confirm notes that a look brought no answer because of cause, and gives up if
// nothing is left of the time to wait.
func (o *outage) confirm(under *episode, cause error, left time.Duration) error {
	cause = cmp.Or(unreached(cause), cause)
	o.mu.Lock()
	defer o.mu.Unlock()
	since := o.of.Now().UTC().Add(-time.Since(under.began))
	if !under.real {
		under.real = true
		o.of.Logger.Warn("app cannot be reached: waiting for it", "app", o.of.App, "error", cause, "until", since.Add(maxPatience).Truncate(time.Second))
	}
	o.cause = cause
	if left > 0 || o.under != under {
		return nil
	}
	o.gaveUp = &OutageError{App: o.of.App, Since: since, Err: cause}
	close(under.ended)
	o.under = nil
	return o.gaveUp
}

// underWay is an *OutageError that says what kept the app from being reached when
// the run ended, nil if nothing did. Where no call was answered at all, few need to
// have failed for it.
func (o *outage) underWay() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gaveUp == nil && (o.under != nil && o.under.real || o.missed > 0 && !o.reached) {
		return &OutageError{App: o.of.App, Since: o.of.Now().UTC().Add(-time.Since(o.since)), Err: o.cause}
	}
	return o.gaveUp
}

// gotAnswer reports whether err, or none, shows that the API was reached: it said
// something, be it an error.
func gotAnswer(err error) bool {
	return err == nil || Is[*dexcom.StatusError](err) || Is[*dexcom.BodyError](err)
}

// ErrNoAnswer stands for a request to which no answer came in time.
var ErrNoAnswer = errors.New("no answer in time")

// unreached returns why no connection came about (a name, a dial, TLS) or no
// answer in time, of what err says the cause alone; nil: err says something else.
func unreached(err error) error {
	if dial, ok := errors.AsType[*net.OpError](err); ok && (dial.Op == "dial" || dial.Op == "proxyconnect") {
		return dial
	}
	// A certificate, for one, may not be valid yet by our clock.
	cause := cmp.Or(find[*net.DNSError](err), find[*tls.CertificateVerificationError](err), find[tls.RecordHeaderError](err), find[tls.AlertError](err))
	if timeout, ok := errors.AsType[net.Error](err); cause == nil && (errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()) {
		return ErrNoAnswer
	}
	return cause
}

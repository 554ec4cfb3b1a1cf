package call

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
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
)

// An outage is what a gate knows of whether the API can be reached. Calls in a row that
// bring no answer make it suspect that it cannot be: then one of those who wait looks at
// the API on behalf of all, which takes nobody's token, until it answers or patience is
// over.
type outage struct {
	atWork  int             // connections being fetched from
	reached bool            // an answer came in this run
	missed  int             // calls in a row without an answer
	by      map[string]bool // whose they were
	since   time.Time       // when the first of them failed
	cause   error           // why the last one did
	under   *episode        // nil: the API can be reached, as far as is known
}

// An episode is one time that an outage was suspected.
type episode struct {
	began time.Time
	ended chan struct{} // closed when it has
	real  bool          // a look brought no answer either; guarded by the gate's mu
}

// Enter counts a connection that is fetched from; leave when it no longer is.
func (g *Gate) Enter() (leave func()) {
	add := func(n int) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.outage.atWork += n
	}
	add(1)
	return func() { add(-1) }
}

// note takes down what a participant's call, begun at the given time, came back
// with. An answer to a call that was under way when others began to miss theirs says
// nothing of how it is now. A refresh that brought no answer is reason enough to
// look: its token may have been spent, so it is not presented again before the API
// is known to answer.
func (g *Gate) note(participantID string, begun time.Time, err error) {
	token, isToken := errors.AsType[*TokenError](err)
	g.mu.Lock()
	defer g.mu.Unlock()
	o := &g.outage
	switch {
	case gotAnswer(err):
		o.reached = true
		if begun.After(o.since) {
			g.answers()
		}
	case isToken && token.Unanswered:
		o.miss(participantID, err)
		g.suspect()
	case unreached(err) != nil:
		o.miss(participantID, err)
		if o.missed >= maxMissed && len(o.by) >= min(maxMissedBy, o.atWork) {
			g.suspect()
		}
	}
}

// miss counts a call of a participant that brought no answer.
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
func (g *Gate) suspect() {
	if g.outage.under == nil && g.gaveUp == nil {
		g.outage.under = &episode{began: g.outage.since, ended: make(chan struct{})}
	}
}

// answers forgets what was missed, and ends the episode under way, if one is. The
// caller holds mu.
func (g *Gate) answers() {
	under := g.outage.under
	g.outage.missed, g.outage.under = 0, nil
	clear(g.outage.by)
	if under == nil {
		return
	}
	if under.real {
		g.of.Logger.Warn("app can be reached again", "app", g.of.App, "after", time.Since(under.began).Round(time.Second))
	}
	close(under.ended)
	if g.of.Reached != nil {
		g.of.Reached()
	}
}

// sitOut waits until an episode has ended. Was reports whether there was an outage
// indeed.
func (g *Gate) sitOut(ctx context.Context, under *episode) (was bool, err error) {
	select {
	case g.looking <- struct{}{}:
		err = g.await(ctx, under)
		<-g.looking
	case <-under.ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return under.real, err
}

// await looks at the API until it answers, and ends under then. It gives up when
// patience is over.
func (g *Gate) await(ctx context.Context, under *episode) error {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		select {
		case <-under.ended: // an answer to something else came
			return nil
		default:
		}
		cause, err := g.look(ctx)
		if err != nil {
			return err
		}
		left := time.Until(under.began.Add(maxPatience))
		if err := g.looked(under, cause, left); err != nil || cause == nil {
			return err
		}
		select {
		case <-under.ended:
		case <-time.After(min(g.of.Jitter(pause), left)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// looked notes that a look brought an answer, or none because of cause. It gives up if
// nothing is left of the time to wait.
func (g *Gate) looked(under *episode, cause error, left time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cause == nil {
		g.outage.reached = true
		g.answers()
		return nil
	}
	cause = cmp.Or(unreached(cause), cause)
	since := g.of.Now().UTC().Add(-time.Since(under.began))
	if !under.real {
		under.real = true
		g.of.Logger.Warn("app cannot be reached: waiting for it", "app", g.of.App, "error", cause, "until", since.Add(maxPatience).Truncate(time.Second))
	}
	g.outage.cause = cause
	if left > 0 || g.outage.under != under {
		return nil
	}
	g.gaveUp = cmp.Or(g.gaveUp, error(&OutageError{App: g.of.App, Since: since, Err: cause}))
	close(under.ended)
	g.outage.under = nil
	return g.gaveUp
}

// Unreached is an *OutageError that says what kept the app from being reached when
// the run ended, nil if nothing did. Where no call was answered at all, few need to
// have failed for it.
func (g *Gate) Unreached() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := &g.outage
	if o.under != nil && o.under.real || g.gaveUp == nil && o.missed > 0 && !o.reached {
		return &OutageError{App: g.of.App, Since: g.of.Now().UTC().Add(-time.Since(o.since)), Err: o.cause}
	}
	return find[*OutageError](g.gaveUp)
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

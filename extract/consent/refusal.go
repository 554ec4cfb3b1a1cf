package consent

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

const (
	// believedAfter is how long a refusal lasts until it is believed, while others
	// are renewed; believedAlone where nobody else was due.
	believedAfter = 36 * time.Hour
	believedAlone = 72 * time.Hour
	// compared is how long ago others may have been renewed to count: longer than
	// any access token lives, so that all who are fetched were due.
	compared = maxLifetime
	// otherWords is how long after a refusal that is not invalid_grant the next
	// try may be: it is as well the app's as the person's, and the app's is mended.
	otherWords = 50 * time.Minute
)

// patience is how long the first, second, ... answer invalid_grant is not believed.
func patience() []time.Duration {
	return []time.Duration{2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour}
}

// refuses reports whether r, with this HTTP status, is a refusal of what was
// presented, in whichever words:
//
//	any status with an error of OAuth, but for those that say "later"   yes
//	200 with an error                                                   yes
//	4xx                                                                 yes
//	407 (our proxy's), 408, 425, 429                                    no
//	anything else                                                       no
func (r reply) refuses(status int) bool {
	switch {
	case r.code.passing(), status == http.StatusProxyAuthRequired, status == http.StatusRequestTimeout,
		status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return false
	case status == http.StatusOK:
		return r.failed
	}
	return r.code == invalidGrant || r.code.ofApp() || status >= 400 && status < 500
}

// appAccepted reports whether the app of a region is accepted, though somebody's
// refresh was told that it is not: then that is about this grant alone, and nobody
// else has to wait.
func (ts *Tokens) appAccepted(ctx context.Context, region string) bool {
	if ts.tally.accepted(region, ts.register.now()) {
		return true
	}
	if ts.client.quota() != nil {
		return false
	}
	accepted, _, err := ts.Probe(ctx, region)
	if accepted = accepted && err == nil; accepted {
		ts.tally.accept(region, ts.register.now())
	}
	return accepted
}

// refused records that the server did not accept h's refresh token, with this code.
func (ts *Tokens) refused(ctx context.Context, h held, f refreshFailure, code oauthCode) error {
	d := doubt{now: ts.register.now(), since: h.RefusedSince, last: h.RefusedAt, code: code, clearOnes: h.Refusals}
	since, over, err := d.judge(func(since time.Time) (Others, error) { return ts.others(ctx, h.Connection, since) })
	if err != nil {
		return err
	}
	f.Refused, f.RefusedSince = d.clear(), since
	var out error
	if over {
		f.Status = NeedsReconsent
		out = &NeedsReconsentError{ParticipantID: h.ParticipantID, Said: f.Outcome}
	} else {
		f.Status, f.RetryAt = AuthSuspect, d.now.Add(d.wait())
		out = &AuthSuspectError{ParticipantID: h.ParticipantID, RetryAt: f.RetryAt, Said: f.Outcome}
	}
	ts.tally.bad(h, errors.New(f.Outcome)) // not out: it is this person's alone
	ts.client.log().Debug("refresh refused", "participant_id", h.ParticipantID, "connection_id", h.Connection.ID, "since", since)
	return errors.Join(out, ts.failRefresh(ctx, f))
}

// A doubt is one more refusal of somebody's grant.
type doubt struct {
	now         time.Time
	since, last time.Time // of the first and the last before; zero: none
	code        oauthCode
	clearOnes   int // times that invalid_grant was said before
}

// clear reports whether the answer says what it means. Other words, or none, may
// mean anything.
func (d doubt) clear() bool { return d.code == invalidGrant }

// judge decides whether the refusal is believed to be the person's, by how others
// with the same app fared since an instant. What counts is for how long it lasts.
// Time in which others are due and nobody is renewed does not: the app is refused
// then, and the refusal counts as one that begins.
func (d doubt) judge(others func(since time.Time) (Others, error)) (since time.Time, over bool, err error) {
	since = d.since
	if since.IsZero() || since.After(d.now) { // our clock was wrong
		since = d.now
	}
	last := d.now.Add(-compared)
	if !d.last.IsZero() && d.last.Before(last) {
		last = d.last
	}
	lately, err := others(last)
	if err != nil {
		return since, false, err
	}
	everybody := lately.Failed > 0 && lately.Renewed == 0
	if d.clear() && d.clearOnes >= len(patience()) && !(everybody && lately.Failed >= stopLeast-1) {
		return since, true, nil // as often as that it is no mistake, unless of so many at once
	}
	if everybody {
		return d.now, false, nil
	}
	meanwhile, err := others(since)
	lasted := d.now.Sub(since)
	switch {
	case err != nil:
		return since, false, err
	case meanwhile.Renewed > 0:
		over = lasted >= believedAfter
	case meanwhile.Failed == 0 && !d.code.ofApp():
		over = lasted >= believedAlone
	}
	return since, over, nil
}

// wait is how long nothing is tried after a refusal that is not believed.
func (d doubt) wait() time.Duration {
	if !d.clear() {
		return otherWords
	}
	waits := patience()
	return waits[min(d.clearOnes, len(waits)-1)]
}

// longestWait is the longest that is ever set on purpose.
func longestWait() time.Duration { return slices.Max(patience()) }

// AppRefused reports whether the refusal of c is that of its app, as far as one can
// tell: some of the others among all connections are refused too, and none was
// renewed lately. Nobody is to be called then.
func AppRefused(c Connection, all []Connection) bool {
	if c.Status != AuthSuspect {
		return false
	}
	refused := false
	for _, o := range all {
		if o.Region != c.Region || o.ParticipantID == c.ParticipantID {
			continue
		}
		if !o.RenewedAt.Before(c.RefusedAt.Add(-compared)) {
			return false
		}
		refused = refused || o.Status == AuthSuspect
	}
	return refused
}

// Others say how the grants of other participants fared with the same app.
type Others struct {
	Renewed int // renewed since
	Failed  int // tried since, and not renewed
}

// others returns how those fared who share c's app, since an instant (UTC). It
// tells a refusal that is one person's from one that is everybody's.
func (ts *Tokens) others(ctx context.Context, c Connection, since time.Time) (Others, error) {
	return state.One(ctx, ts.register.Store, func(row func(...any) error) (Others, error) {
		var o Others
		err := row(&o.Renewed, &o.Failed)
		return o, err
	}, `select count(*) filter (where renewed), count(*) filter (where not renewed and tried) from (
			select coalesce(renewed_at >= ?3, 0) as renewed,
				exists (select 1 from refresh_tries r where r.connection_id = c.connection_id and r.tried_at >= ?3) as tried
			from connections c where region = ?1 and participant_id <> ?2)`,
		c.Region, c.ParticipantID, state.Micros(since))
}

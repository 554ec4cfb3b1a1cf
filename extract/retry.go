package extract

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	tries        = 5                      // of one request
	firstBackoff = 500 * time.Millisecond // doubled after each
	lastBackoff  = 30 * time.Second

	maxTokenWait = time.Minute // of one request, in all, for an access token
)

// retrying repeats requests that failed for a reason that may pass.
type retrying struct {
	next   asker
	reach  *reach
	jitter func(time.Duration) time.Duration
	now    func() time.Time
}

func (a retrying) ask(ctx context.Context, r dexcom.Request) (dexcom.Answer, error) {
	backoff, forToken := firstBackoff, time.Duration(0)
	for try := 1; ; try++ {
		if err := a.reach.check(); err != nil {
			return dexcom.Answer{}, err
		}
		answer, err := a.next.ask(ctx, r)
		if !transient(err) || isLimit(err) || ctx.Err() != nil {
			return answer, err
		}
		wait := max(a.jitter(backoff), min(a.askedToWait(err), maxPause))
		if isToken(err) {
			forToken += wait
		}
		if try == tries || forToken > maxTokenWait {
			a.reach.gaveUpOn(err)
			return answer, err
		}
		if err := sleep(ctx, wait); err != nil {
			return dexcom.Answer{}, err
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// askedToWait returns how long the API, or the token source, wants to be left
// alone after err.
func (a retrying) askedToWait(err error) (wait time.Duration) {
	var status *dexcom.StatusError
	if errors.As(err, &status) {
		wait = status.RetryAfter
	}
	var token *consent.TemporaryError
	if errors.As(err, &token) {
		wait = max(wait, token.RetryAt.Sub(a.now()))
	}
	return wait
}

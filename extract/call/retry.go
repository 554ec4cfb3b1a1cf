package call

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	tries        = 5                      // of one request
	firstBackoff = 500 * time.Millisecond // doubled after each
	lastBackoff  = 30 * time.Second

	maxTokenWait = time.Minute // of one request, in all, for an access token
)

// retrying repeats requests that failed for a reason that may pass. What an
// outage of the whole app failed is repeated when that is over, and does not count
// as a try.
type retrying struct {
	next Doer
	line Line
}

func (a retrying) Do(ctx context.Context, r dexcom.Request) (dexcom.Answer, error) {
	var t tried
	for {
		if _, err := a.line.Gate.open(ctx); err != nil {
			return dexcom.Answer{}, err
		}
		sent := time.Now()
		answer, err := a.next.Do(ctx, r)
		if err == nil || ctx.Err() == nil { // else it says nothing of the API
			a.line.Gate.note(a.line.ParticipantID, sent, err)
		}
		if !Transient(err) || AppOver(err) != nil || ctx.Err() != nil {
			return answer, err
		}
		if limit := tooMany(err); limit != nil { // met on the way to a token: in a call it is not handed on
			if err := a.line.Gate.refused(ctx, sent, limit); err != nil {
				return dexcom.Answer{}, err
			}
		}
		waited, down := a.line.Gate.open(ctx)
		if down != nil {
			return dexcom.Answer{}, down
		}
		if waited {
			t = tried{}
			continue
		}
		wait, err := t.again(ctx, a, err)
		if err != nil {
			return answer, err
		}
		if err := Sleep(ctx, wait); err != nil {
			return dexcom.Answer{}, err
		}
	}
}

// tried is what was done for one request so far.
type tried struct {
	times         int
	forToken, all time.Duration // waited: for an access token, and in all
}

// again returns how long to wait before the request that failed with err is sent
// again, or err if it is not.
func (t *tried) again(ctx context.Context, a retrying, err error) (time.Duration, error) {
	t.times++
	backoff := min(firstBackoff<<(t.times-1), lastBackoff)
	asked := a.askedToWait(err)
	wait := max(a.line.Gate.of.Jitter(backoff), asked)
	if Is[*TokenError](err) {
		t.forToken += wait
	}
	if t.times == tries || t.forToken > maxTokenWait {
		return 0, err
	}
	if asked > 0 && t.all+wait > patience(ctx) {
		if Is[*TokenError](err) {
			return 0, err // which says when
		}
		return 0, &ComeBackError{a.line.Gate.of.Now().UTC().Add(asked), err}
	}
	t.all += wait
	return wait, nil
}

// askedToWait returns how long the API, or the token source, wants to be left
// alone after err.
func (a retrying) askedToWait(err error) (wait time.Duration) {
	if status, ok := errors.AsType[*dexcom.StatusError](err); ok {
		wait = status.RetryAfter
	}
	if token, ok := errors.AsType[*TokenError](err); ok {
		wait = max(wait, token.RetryAt.Sub(a.line.Gate.of.Now()))
	}
	return wait
}

package extract

import (
	"errors"
	"net/http"
	"sync"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// A Refusal says that a resource of a participant, or a part of it, cannot be had,
// and that asking again does not help: the study team has to do something.
type Refusal struct {
	Resource dexcom.Resource `json:"resource"`
	Status   int             `json:"status"` // HTTP; 200 for an answer that is too large even for a day
	Words    string          `json:"words"`  // what the server said, fit to be shown; "" if nothing
}

// refusalOf returns err as a refusal; ok is false if it is none.
func refusalOf(err error) (r Refusal, ok bool) {
	var asked *plan.CallError
	var status *dexcom.StatusError
	var size *dexcom.SizeError
	var unchecked *consent.UncheckedError // whose dataRange was asked for to see whose account it is
	if !errors.As(err, &asked) || call.Is[*call.TokenError](err) && !errors.As(err, &unchecked) {
		return Refusal{}, false
	}
	r.Resource = asked.Call.Resource
	if unchecked != nil {
		r.Resource = dexcom.DataRange
	}
	switch {
	case errors.As(err, &size):
		r.Status, r.Words = http.StatusOK, size.Error()
	case errors.As(err, &status) && status.Refused():
		r.Status, r.Words = status.Code, status.Detail
	default:
		return Refusal{}, false
	}
	return r, true
}

// closes reports whether r is about all of its resource, so that nothing more of
// it is worth asking for in this run.
func (r Refusal) closes() bool { return r.Status >= 400 }

// A closing says which calls to a connection are of no use any more in this run.
// Those under way go on.
type closing struct {
	mu        sync.Mutex
	all       bool
	other     error // another account answered
	resources map[dexcom.Resource]bool
}

// note takes down that a call failed with err.
func (c *closing) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := refusalOf(err); ok && r.closes() {
		if c.resources == nil {
			c.resources = map[dexcom.Resource]bool{}
		}
		c.resources[r.Resource] = true
	}
	if call.Is[*consent.OtherAccountError](err) {
		c.other = err
	}
	c.all = c.all || stops(err)
}

// otherAccount is the error of an answer of another account, nil if none came.
func (c *closing) otherAccount() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.other
}

// to reports whether a call for r is of no use.
func (c *closing) to(r dexcom.Resource) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all || c.resources[r]
}

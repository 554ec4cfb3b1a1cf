package extract

import (
	"context"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// maxEmpty is how many bytes an answer without records may have to be kept beside
// the one that says so again: real ones have a hundred.
const maxEmpty = 64 << 10

// fetchWindow asks for one window and appends the answer to the log. An answer
// without records where dataRange shows one is no answer before it was given
// twice: only then is it kept. One that the second answer refutes is not: should we
// die before that one is in the log too, it would count as held. One without a body
// is none unless dataRange shows that nothing is there.
func (c *connection) fetchWindow(ctx context.Context, one plan.Call, api call.Doer) error {
	request := dexcom.Request{Resource: one.Resource, Start: one.Window.Start, End: one.Window.End}
	answer, err := api.Do(ctx, request)
	if err != nil {
		return err
	}
	defer func() { answer.Release() }()
	same, err := c.own(ctx, answer)
	if err != nil {
		return err
	}
	if answer.Records == 0 && same && c.expected(one) {
		answer.Release() // nobody may wait for room who has some
		again, err := api.Do(ctx, request)
		if err != nil {
			return err
		}
		first := answer
		answer = again
		same, err := c.own(ctx, again)
		if err != nil {
			return err
		}
		if again.Records == 0 && !again.NoContent && same {
			c.person.foundEmpty(one)
			if !first.NoContent && len(first.Body) <= maxEmpty {
				if _, err := c.keep(ctx, first, one.Beat); err != nil {
					return err
				}
			}
		}
	}
	if answer.NoContent && !c.shownEmpty(one) {
		return &call.NoContentError{}
	}
	_, err = c.keep(ctx, answer, one.Beat)
	return err
}

// shownEmpty reports whether dataRange said in this run that it has no record of
// the call's resource in its window: it was asked for everything, and knows of that
// resource.
func (c *connection) shownEmpty(one plan.Call) bool {
	full := false
	for _, k := range c.shown {
		if !k.Without(one.Resource, one.Window) {
			return false
		}
		full = full || k.LastSync.IsZero()
	}
	return full
}

// expected reports whether dataRange shows a record in the call's window.
func (c *connection) expected(one plan.Call) bool {
	for _, k := range c.shown {
		if k.Expects(one.Resource, one.Window) {
			return true
		}
	}
	return false
}

// keep appends an answer to the log. An answer that was received is kept even
// if the run is interrupted meanwhile. So is one of another account: as one that
// answers nothing, and with *consent.OtherAccountError.
func (c *connection) keep(ctx context.Context, a dexcom.Answer, beat string) (raw.Entry, error) {
	same, err := c.own(ctx, a)
	if err != nil {
		return raw.Entry{}, err
	}
	if !same {
		beat = plan.BeatStray
	}
	if err := a.Take(context.WithoutCancel(ctx), 3); err != nil { // as an entry of the log, twice while that grows, and in a group of those
		return raw.Entry{}, err
	}
	fault.Point("fetch.answered")
	entry, err := c.runner.recorder.Record(context.WithoutCancel(ctx), c.target.ParticipantID, c.target.ConnectionID, beat, a)
	if err != nil {
		return raw.Entry{}, call.FatalError{Err: err}
	}
	fault.Point("fetch.kept")
	c.person.count(Counts{Answers: 1, Records: a.Records, Bytes: int64(len(a.Body))})
	if !same {
		return entry, c.stray(ctx)
	}
	return entry, nil
}

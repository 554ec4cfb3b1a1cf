package extract

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// A connection is one being fetched from.
type connection struct {
	person *participant
	runner *runner
	target Target
	gate   *call.Gate
	shown  []plan.Shown // what dataRange answered in this run
	closed closing
}

// line returns what the requests of c go through; begun is called whenever one is sent.
func (c *connection) line(begun func()) call.Line {
	return call.Line{
		Gate: c.gate, Tokens: c.runner.fetcher.Tokens,
		ParticipantID: c.target.ParticipantID, ConnectionID: c.target.ConnectionID,
		MayAsk: c.person.mayAsk, Judge: c.person.judge,
		Sent: func() {
			c.person.count(Counts{Calls: 1})
			begun()
		},
	}
}

// fetch asks for the ranges, plans, and fetches what is due.
func (c *connection) fetch(ctx context.Context) error {
	defer c.gate.Enter()()
	calls, err := c.plan(ctx)
	for _, k := range c.shown {
		for _, note := range k.Clipped() {
			c.person.flag(FlagClippedRange, note)
		}
	}
	if err != nil {
		return err
	}
	c.person.count(Counts{Planned: len(calls), Open: len(calls)})
	first, rest := plan.InTurns(calls, c.target.Refused, c.runner.chance)
	for _, some := range [][]plan.Call{first, rest} {
		if err := c.fetchCalls(ctx, some); err != nil {
			return err
		}
	}
	return c.closed.otherAccount()
}

// plan asks what there is and returns the calls that are due.
func (c *connection) plan(ctx context.Context) ([]plan.Call, error) {
	state := c.runner.state(c.target)
	unused := state.Held.Full == nil
	questions, err := plan.Questions(state)
	if err != nil {
		return nil, planError(err)
	}
	for _, q := range questions {
		known, err := c.askRanges(ctx, q)
		if err != nil {
			return nil, err
		}
		c.shown = append(c.shown, known)
	}
	if unused { // the questions are the same, whatever came through others
		if err := c.meet(ctx); err != nil {
			return nil, err
		}
		state.Reached = c.runner.index.Reached(c.target.ParticipantID, c.target.SameAccount)
	}
	calls, clipped, err := plan.Calls(state, c.shown)
	if clipped != "" {
		c.person.flag(FlagClippedInterval, clipped)
	}
	return calls, planError(err)
}

// planError is err where an answer in the log says nothing that can be read; else the log
// itself cannot be, which ends the run.
func planError(err error) error {
	if err == nil || call.Is[*plan.CallError](err) {
		return err
	}
	return call.FatalError{Err: err}
}

// maxRanges is the largest plain dataRange body; real ones are below 1 kB.
const maxRanges = 1 << 20

// askRanges asks dataRange.
func (c *connection) askRanges(ctx context.Context, q plan.Question) (plan.Shown, error) {
	answer, err := c.line(func() {}).Do(ctx, dexcom.Request{Resource: dexcom.DataRange, LastSync: q.LastSync})
	if err != nil {
		return plan.Shown{}, plan.RangesError(err)
	}
	defer answer.Release()
	entry, err := c.keep(ctx, answer, q.Beat)
	if err != nil {
		return plan.Shown{}, err
	}
	plain, err := dexcom.Plain(answer.Body, answer.Encoding, maxRanges)
	if err != nil {
		return plan.Shown{}, plan.RangesError(err)
	}
	shown, err := plan.ParseShown(entry, plain)
	if err == nil {
		c.runner.index.Tell(shown)
	}
	return shown, err
}

// fetchCalls fetches several windows at a time, each begun when the one before was
// sent or given up.
func (c *connection) fetchCalls(ctx context.Context, calls []plan.Call) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.gate.PerParticipant())
	for _, one := range calls {
		next := make(chan struct{})
		begun := sync.OnceFunc(func() { close(next) })
		group.Go(func() error {
			defer begun()
			return c.fetchCall(groupCtx, one, begun)
		})
		<-next
	}
	return group.Wait()
}

// fetchCall fetches one window; begun is called when its request is sent. An
// error is returned if it ends the run or the participant has withdrawn, else
// noted: what is under way goes on, whatever became of this one.
func (c *connection) fetchCall(ctx context.Context, one plan.Call, begun func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.closed.to(one.Resource) {
		return nil
	}
	err := c.fetchWindow(ctx, one, c.line(begun))
	if err == nil {
		c.person.count(Counts{Fetched: 1, Open: -1})
		return nil
	}
	if older, newer, ok := one.Halves(); ok && call.Is[*dexcom.SizeError](err) {
		c.person.count(Counts{Planned: 1, Open: 1})
		if err := c.fetchCall(ctx, older, begun); err != nil {
			return err
		}
		return c.fetchCall(ctx, newer, begun)
	}
	err = &plan.CallError{Call: one, Err: err}
	if call.Is[*cohort.WithdrawnError](err) {
		return err
	}
	c.closed.note(err)
	if call.Is[*consent.OtherAccountError](err) {
		return nil // fetch returns it, when what is under way is kept
	}
	return c.person.noted(ctx, err)
}

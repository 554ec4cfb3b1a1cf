package extract

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/raw"
)

// A connection is one being fetched from.
type connection struct {
	*participant
	target Target
	app    *app
	ranges func(ctx context.Context, lastSync time.Time, beat string) (Known, error) // asks dataRange
	shown  []Known                                                                   // what dataRange answered in this run
}

func newConnection(p *participant, t Target) *connection {
	c := &connection{participant: p, target: t, app: p.apps[t.App]}
	c.ranges = c.askRanges
	return c
}

// asker returns what asks for c and calls begun whenever a request is sent.
func (c *connection) asker(begun func()) asker {
	return retrying{
		next: authorised{
			next: func(ctx context.Context, token string, r dexcom.Request) (dexcom.Answer, error) {
				return c.app.call(ctx, c.participant, token, r, begun)
			},
			tokens:   c.Tokens,
			target:   c.target,
			standing: c.standing,
		},
		reach:  c.app.reach,
		jitter: c.jitter,
		now:    c.Now,
	}
}

// fetch asks for the ranges, plans, and fetches what is due: several windows at a
// time, each begun when the one before was sent or given up.
func (c *connection) fetch(ctx context.Context) error {
	calls, err := c.plan(ctx)
	for _, k := range c.shown {
		for _, note := range k.clipped() {
			c.flag(FlagClippedRange, note)
		}
	}
	if err != nil {
		return err
	}
	c.count(Counts{Planned: len(calls), Open: len(calls)})
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.app.turns.perParticipant)
	for _, call := range calls {
		next := make(chan struct{})
		begun := sync.OnceFunc(func() { close(next) })
		group.Go(func() error {
			defer begun()
			return c.fetchCall(groupCtx, call, begun)
		})
		<-next
	}
	return group.Wait()
}

// fetchCall fetches one window; begun is called when its request is sent. An
// error is returned if it makes the others useless, else noted.
func (c *connection) fetchCall(ctx context.Context, call Call, begun func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := c.ask(ctx, call, c.asker(begun))
	if err == nil {
		c.count(Counts{Fetched: 1, Open: -1})
		return nil
	}
	err = &CallError{call, err}
	if stops(err) {
		return err
	}
	return c.settle(ctx, err)
}

// ask asks for call's window and appends the answer to the log. An answer
// without records where dataRange shows some is no answer before it was given
// twice: only then is it kept. One that the second answer refutes is not: should we
// die before that one is in the log too, it would count as held.
func (c *connection) ask(ctx context.Context, call Call, api asker) error {
	request := dexcom.Request{Resource: call.Resource, Start: call.Window.Start, End: call.Window.End}
	answer, err := api.ask(ctx, request)
	if err != nil {
		return err
	}
	same, err := c.own(ctx, answer)
	if err != nil {
		return err
	}
	if answer.Records == 0 && same && c.expected(call) {
		again, err := api.ask(ctx, request)
		if err != nil {
			return err
		}
		same, err := c.own(ctx, again)
		if err != nil {
			return err
		}
		if again.Records == 0 && same {
			c.flag(FlagEmptyWithRange, call.String()+": no records, asked twice, though dataRange shows some")
			if _, err := c.keep(ctx, answer, call.Beat); err != nil {
				return err
			}
		}
		answer = again
	}
	_, err = c.keep(ctx, answer, call.Beat)
	return err
}

// expected reports whether dataRange shows records in call's window.
func (c *connection) expected(call Call) bool {
	for _, k := range c.shown {
		if k.expects(call.Resource, call.Window) {
			return true
		}
	}
	return false
}

// keep appends an answer to the log. An answer that was received is kept even
// if the run is interrupted meanwhile. So is one of another account: as one that
// answers nothing, and with *state.OtherAccountError.
func (c *connection) keep(ctx context.Context, a dexcom.Answer, beat string) (raw.Entry, error) {
	if err := c.clock.Check(a.Date); err != nil {
		return raw.Entry{}, fatalError{err}
	}
	same, err := c.own(ctx, a)
	if err != nil {
		return raw.Entry{}, err
	}
	if !same {
		beat = BeatStray
	}
	fault.Point("fetch.answered")
	entry, err := c.Log.Append(context.WithoutCancel(ctx), raw.Header{
		RunID:         c.run.ID,
		ParticipantID: c.target.ParticipantID,
		ConnectionID:  c.target.ConnectionID,
		Resource:      string(a.Resource),
		Beat:          beat,
		WindowStart:   a.Start,
		WindowEnd:     a.End,
		LastSync:      a.LastSync,
		Status:        200,
		AskedAt:       c.Now(),
		ServerDate:    a.Date,
		Records:       a.Records,
	}, a.Body)
	if err != nil {
		return raw.Entry{}, fatalError{err}
	}
	fault.Point("fetch.kept")
	c.count(Counts{Answers: 1, Records: a.Records, Bytes: int64(len(a.Body))})
	if !same {
		return entry, c.stray(ctx)
	}
	return entry, nil
}

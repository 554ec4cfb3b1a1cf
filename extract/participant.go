package extract

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
)

// A participant is one being fetched.
type participant struct {
	runner  *runner
	targets []Target

	mu     sync.Mutex
	report ParticipantReport
	empty  []plan.Call // answered without a record, twice, although dataRange shows one
}

// fetch fetches all targets of the participant, whose claim was refused or not. What
// goes wrong with the participant is in its report; the error is what ends the run.
func (p *participant) fetch(ctx context.Context, claims *claims, refused error) error {
	id := p.report.ParticipantID
	switch {
	case len(p.targets) == 0 || ctx.Err() != nil:
		return ctx.Err()
	case call.Is[*cohort.WithdrawnError](refused):
		p.withdrew()
		return nil
	case refused != nil:
		p.flag(FlagClaimed, "another process is fetching this participant")
		return nil
	}
	claimed, cancel := claims.begin(ctx, id)
	defer cancel(nil)
	err := p.fetchTargets(claimed, p.targets)
	switch lost := claims.lostBy(id); {
	case call.Is[*cohort.WithdrawnError](lost):
		p.withdrew()
		return nil
	case lost != nil:
		p.fail(errClaimLost)
		return nil
	}
	if e := claims.end(ctx, id); err == nil {
		err = e
	}
	return err
}

// eligible returns the targets of which anything may be asked, and flags the
// others.
func (p *participant) eligible() (eligible []Target) {
	for _, t := range p.targets {
		switch {
		case t.ConnectionID == "":
			p.flag(FlagNoConnection, "no account is connected")
			p.fail(errNoConnection)
			p.report.Ended = true
		case p.runner.fetcher.Clients != nil && p.runner.fetcher.Clients[t.App] == nil: // without any it is a plan
			p.fail(&consent.NoAppError{Region: t.App})
			p.report.Ended = true
		case t.Consented.Empty():
			p.flag(FlagNothingConsented, t.Reason)
		case !t.Consented.Start.Before(p.runner.fetcher.Now()):
			p.flag(FlagNothingConsented, "the study begins for this participant at "+t.Consented.Start.Format(time.RFC3339))
		default:
			if t.Interval != (plan.Window{}) {
				t.Consented = p.clip(t)
			}
			if !t.Consented.Empty() {
				eligible = append(eligible, t)
			}
		}
	}
	return eligible
}

// clip returns what is consented of t's interval, and says so if that is not
// all.
func (p *participant) clip(t Target) plan.Window {
	w := t.Interval.Intersect(t.Consented)
	switch {
	case w.Empty():
		p.flag(FlagClippedInterval, fmt.Sprintf("nothing %s is asked for: consented is what was recorded %s", t.Interval.Words(), t.Consented.Words()))
	case w != t.Interval:
		p.flag(FlagClippedInterval, fmt.Sprintf("of what was recorded %s only that %s is consented and asked for", t.Interval.Words(), w.Words()))
	}
	return w
}

// fetchTargets fetches one connection after another.
func (p *participant) fetchTargets(ctx context.Context, targets []Target) error {
	defer p.flagEmpty()
	for _, t := range targets {
		c := &connection{person: p, runner: p.runner, target: t, gate: p.runner.apps[t.App]}
		err := c.fetch(ctx)
		if ends := p.noted(ctx, err); ends != nil {
			if outage := c.gate.Unreached(); call.StopOf(ctx) != nil && outage != nil {
				p.fail(outage) // all was tried for which there was time
				p.report.Ended = true
			}
			return ends
		}
		if call.Is[*consent.OtherAccountError](err) {
			break // first somebody finds out whose it is
		}
	}
	p.report.Ended = true
	return nil
}

// foundEmpty notes a call for flagEmpty.
func (p *participant) foundEmpty(call plan.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.empty = append(p.empty, call)
}

// flagEmpty tells of all windows at once in which dataRange showed a record that
// did not come.
func (p *participant) flagEmpty() {
	p.mu.Lock()
	calls := p.empty
	p.mu.Unlock()
	if len(calls) == 0 {
		return
	}
	slices.SortFunc(calls, func(a, b plan.Call) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), a.Window.Start.Compare(b.Window.Start))
	})
	const most = 20
	names := make([]string, 0, most+1)
	for i, c := range calls {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(calls)-most))
			break
		}
		names = append(names, c.String())
	}
	p.flag(FlagEmptyWithRange, strings.Join(names, ", ")+": no records, asked twice, though dataRange shows one there")
}

// noted notes err as the participant's, unless it ends the run: then it returns
// it.
func (p *participant) noted(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case call.Is[call.FatalError](err):
		return err
	case call.Is[*cohort.WithdrawnError](err):
		p.withdrew()
		return nil
	}
	if over := call.AppOver(err); over != nil {
		err = over // it is nobody's in particular
	}
	p.fail(err)
	return nil
}

// mayAsk is nil unless the participant has withdrawn: *cohort.WithdrawnError.
// What else keeps it from being known ends the run.
func (p *participant) mayAsk(ctx context.Context) error {
	if p.runner.fetcher.Withdrawals == nil {
		return nil
	}
	err := p.runner.fetcher.Withdrawals.Standing(ctx, p.report.ParticipantID)
	if err == nil || call.Is[*cohort.WithdrawnError](err) || ctx.Err() != nil {
		return err
	}
	return call.FatalError{Err: err}
}

// withdrew notes that the participant withdrew during the run. What was due is due
// no more, so nothing is open and nothing failed.
func (p *participant) withdrew() {
	p.mu.Lock()
	open, told := p.report.Open, false
	for _, f := range p.report.Flags {
		told = told || f.Kind == FlagWithdrawn
	}
	p.mu.Unlock()
	if !told {
		p.flag(FlagWithdrawn, "has withdrawn meanwhile: nothing more is asked for")
	}
	p.count(Counts{Open: -open})
}

// fail notes an error of the participant: each resource that was refused, and of
// the others the first.
func (p *participant) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, refused := refusalOf(err)
	if refused && !slices.ContainsFunc(p.report.Refused, func(o Refusal) bool { return o.Resource == r.Resource }) {
		p.report.Refused = append(p.report.Refused, r)
	}
	if p.report.Err == nil || p.report.OnlyRefused() && !refused {
		p.report.Err = err
	}
}

func (p *participant) flag(kind, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Flags = append(p.report.Flags, Flag{kind, detail})
}

// count adds to the participant's counts and to the progress of the run.
func (p *participant) count(c Counts) {
	p.mu.Lock()
	p.report.add(c)
	p.mu.Unlock()
	p.runner.advance(Progress{Counts: c})
}

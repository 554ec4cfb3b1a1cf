package extract

import (
	"context"

	"github.com/dexetl/dexetl/extract/plan"
)

// keepAfter is how many entries are read anew before the index is kept again: to read
// them takes about as long as to keep what there is of a thousand participants.
const keepAfter = 200

// openIndex readies the index.
func (r *runner) openIndex() (err error) {
	var unfit error
	if r.index, unfit, err = plan.OpenIndex(r.fetcher.Log, r.fetcher.Cache); unfit != nil {
		r.fetcher.Logger.Info("the index of the raw log is made anew", "reason", unfit)
	}
	return err
}

// keepIndex keeps the index if much was read since it was kept last. What goes
// wrong costs the next run time and nothing else.
func (r *runner) keepIndex(ctx context.Context) {
	if r.fetcher.Cache == nil {
		return
	}
	withdrawn, err := r.withdrawn(context.WithoutCancel(ctx))
	if err == nil {
		err = r.index.Keep(r.fetcher.Log, r.fetcher.Cache, r.fetcher.keepAfter, withdrawn)
	}
	if err != nil {
		r.fetcher.Logger.Info("the index of the raw log is not kept", "reason", err)
	}
}

// withdrawn are those of whom nothing is kept: they may have been erased meanwhile.
func (r *runner) withdrawn(ctx context.Context) ([]string, error) {
	if r.fetcher.Withdrawals == nil {
		return nil, nil
	}
	return r.fetcher.Withdrawals.Withdrawn(ctx)
}

// A Forecast says what a run would ask for, as far as can be known without asking
// anything.
type Forecast struct {
	Participants []ParticipantForecast // in the order of their ids
}

// A ParticipantForecast is a participant's part of a Forecast.
type ParticipantForecast struct {
	ParticipantID string
	plan.Forecast
	Flags []Flag
}

// Forecast plans run for targets from the log alone. No call is made; tokens and
// clients are not needed.
func (f *Fetcher) Forecast(ctx context.Context, run Run, targets []Target) (Forecast, error) {
	r := f.newRunner(run, targets)
	if err := r.openIndex(); err != nil {
		return Forecast{}, err
	}
	defer r.keepIndex(ctx)
	var all Forecast
	for _, work := range r.work {
		if ctx.Err() != nil {
			return Forecast{}, ctx.Err()
		}
		p := participant{runner: r, targets: work}
		var states []plan.State
		for _, t := range p.eligible() {
			states = append(states, r.state(t))
		}
		foreseen, err := plan.Foresee(states, r.index)
		if err != nil {
			return Forecast{}, err
		}
		for _, why := range foreseen.Clipped {
			p.flag(FlagClippedInterval, why)
		}
		all.Participants = append(all.Participants, ParticipantForecast{work[0].ParticipantID, foreseen, p.report.Flags})
	}
	return all, nil
}

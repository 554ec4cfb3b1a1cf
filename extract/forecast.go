package extract

import (
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A Forecast says what a run would ask for, as far as can be known without
// asking anything.
type Forecast struct {
	Participants []ParticipantForecast // in the order of their ids
}

// A ParticipantForecast is a participant's part of a Forecast.
type ParticipantForecast struct {
	ParticipantID string
	AsOf          time.Time // when dataRange was last answered; zero: never, and then all of the consented interval up to now is taken to have records
	Resources     []ResourceForecast
	Flags         []Flag
}

// A ResourceForecast counts the requests for a resource; for dataRange, the
// questions what there is.
//
// Calls is exact if dataRange would answer what it did last time. CallsWithNews
// is the count if records of every kind were uploaded up to now, as from a sensor
// that is worn: then it is no less than what is asked, unless something older than
// the trailing days came late. Repetitions, of requests that fail or are answered
// without the records that dataRange shows, come on top of both.
type ResourceForecast struct {
	Resource      dexcom.Resource
	Beats         []string
	Window        Window // from the first instant asked for to the last; empty: the request takes none
	Calls         int
	CallsWithNews int
	Bytes         int64 // of CallsWithNews, by what was received so far, else by defaultVolume
}

// Forecast plans run for targets from the log alone. No call is made; tokens and
// clients are not needed.
func (f *Fetcher) Forecast(ctx context.Context, run Run, targets []Target) (Forecast, error) {
	r := f.newRunner(run, targets)
	if err := r.openIndex(); err != nil {
		return Forecast{}, err
	}
	defer r.keepIndex()
	var all Forecast
	for _, work := range r.work {
		if ctx.Err() != nil {
			return Forecast{}, ctx.Err()
		}
		p := participant{runner: r, targets: work}
		one, err := p.forecast(ctx)
		if err != nil {
			return Forecast{}, err
		}
		all.Participants = append(all.Participants, one)
	}
	return all, nil
}

func (p *participant) forecast(ctx context.Context) (ParticipantForecast, error) {
	one := ParticipantForecast{ParticipantID: p.targets[0].ParticipantID}
	for _, t := range p.eligible() {
		held := p.runner.index.Holding(t.ParticipantID, t.ConnectionID)
		known, err := held.known()
		if err != nil {
			return one, err
		}
		one.AsOf = latest(one.AsOf, known.Asked)
		for _, news := range []bool{false, true} {
			i := imagined{known: known, bounds: t.Consented, now: p.runner.fetcher.Now(), news: news}
			c := &connection{person: p, runner: p.runner, target: t, ranges: i.ranges}
			calls, err := c.plan(ctx)
			if err != nil {
				return one, err
			}
			one.add(append(slices.Repeat([]Call{{Resource: dexcom.DataRange}}, i.asked), calls...), news, p.runner.index)
		}
	}
	slices.SortFunc(one.Resources, func(a, b ResourceForecast) int {
		return slices.Index(p.runner.fetcher.Resources, a.Resource) - slices.Index(p.runner.fetcher.Resources, b.Resource) // dataRange: -1
	})
	for i, r := range one.Resources {
		// What was never seen before and is new is asked for where it is new, else
		// the deep beat asks everywhere.
		one.Resources[i].CallsWithNews = max(r.Calls, r.CallsWithNews)
	}
	one.Flags = p.report.Flags
	return one, nil
}

// add counts calls.
func (f *ParticipantForecast) add(calls []Call, news bool, index *Index) {
	for _, call := range calls {
		i := slices.IndexFunc(f.Resources, func(r ResourceForecast) bool { return r.Resource == call.Resource })
		if i < 0 {
			i = len(f.Resources)
			f.Resources = append(f.Resources, ResourceForecast{Resource: call.Resource})
		}
		r := &f.Resources[i]
		r.Window = Merge(r.Window, call.Window).Span()
		if call.Beat != "" && !slices.Contains(r.Beats, call.Beat) {
			r.Beats = append(r.Beats, call.Beat)
		}
		if !news {
			r.Calls++
			continue
		}
		r.CallsWithNews++
		r.Bytes += index.expected(call)
	}
}

// An imagined API answers dataRange from what it showed so far.
type imagined struct {
	known  Known  // zero Asked: nothing was ever shown
	bounds Window // consented
	now    time.Time
	news   bool // whether records of every kind were uploaded up to now
	asked  int
}

func (i *imagined) ranges(_ context.Context, lastSync time.Time, _ string) (Known, error) {
	i.asked++
	k := Known{Asked: i.now, Server: i.now, LastSync: lastSync}
	ranges := i.known.Ranges
	if i.known.Asked.IsZero() {
		every := dexcom.Range{Start: i.bounds.Start, End: earliest(i.bounds.End, i.now)}
		ranges = dexcom.Ranges{EGVs: &every, Events: &every, Calibrations: &every}
	}
	k.Ranges = dexcom.Ranges{
		EGVs: i.shown(ranges.EGVs, lastSync), Events: i.shown(ranges.Events, lastSync), Calibrations: i.shown(ranges.Calibrations, lastSync),
	}
	return k, nil
}

// shown is what is left of r in an answer to lastSync. What was measured since
// then was uploaded since then; of what is older, nobody knows.
func (i *imagined) shown(r *dexcom.Range, lastSync time.Time) *dexcom.Range {
	switch {
	case r == nil && !i.news:
		return nil
	case r == nil:
		r = &dexcom.Range{Start: i.now, End: i.now}
	}
	left := dexcom.Range{Start: latest(r.Start, lastSync), End: r.End}
	if i.news {
		left.End = latest(r.End, i.now)
	}
	if left.End.Before(lastSync) {
		return nil
	}
	return &left
}

// expected returns how many bytes will come in the answer to a call.
func (x *Index) expected(c Call) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	v := x.volumes[c.Resource]
	if v.answers == 0 {
		v = defaultVolume(c.Resource)
	}
	if v.asked <= 0 {
		return v.bytes / int64(v.answers)
	}
	return int64(float64(v.bytes) * c.Window.End.Sub(c.Window.Start).Hours() / v.asked.Hours())
}

// defaultVolume is what the simulated cohort of `dexetl demo` sends for an answer
// without window, or for a day.
func defaultVolume(r dexcom.Resource) volume {
	perDay := func(bytes int64) volume { return volume{1, bytes, 24 * time.Hour} }
	switch r {
	case dexcom.EGVs:
		return perDay(13_000)
	case dexcom.Calibrations:
		return perDay(33)
	case dexcom.Devices:
		return volume{answers: 1, bytes: 640}
	case dexcom.DataRange:
		return volume{answers: 1, bytes: 260}
	}
	return perDay(450)
}

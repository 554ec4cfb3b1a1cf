package extract

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// maxRanges is the largest plain dataRange body; real ones are below 1 kB.
const maxRanges = 1 << 20

// plan asks what there is and returns the calls that are due, in the order in
// which to make them: oldest first or newest first whatever the resource, so that
// a run that is stopped leaves no resource behind. Devices are last.
func (c *connection) plan(ctx context.Context) (calls []Call, err error) {
	switch c.runner.run.Mode {
	case Sync:
		calls, err = c.planSync(ctx)
	case Refresh:
		calls, err = c.planRefresh(ctx)
	default:
		calls, err = c.planBackfill(ctx)
	}
	slices.SortStableFunc(calls, func(a, b Call) int {
		switch {
		case a.Window.Empty() || b.Window.Empty():
			return cmp.Compare(b.Window.End.Unix(), a.Window.End.Unix())
		case c.runner.run.NewestFirst:
			return b.Window.Start.Compare(a.Window.Start)
		}
		return a.Window.Start.Compare(b.Window.Start)
	})
	return calls, err
}

// planRefresh asks what there is, by which answers without records are told
// apart, and returns the calls for everything that was not answered since.
func (c *connection) planRefresh(ctx context.Context) ([]Call, error) {
	full, err := c.ranges(ctx, time.Time{}, BeatRefresh)
	if err != nil {
		return nil, err
	}
	bounds := c.target.Consented.Intersect(full.plausible())
	if bounds.Empty() {
		c.person.flag(FlagClippedInterval, "nothing "+c.target.Consented.words()+" is asked for: no sensor can have recorded it yet")
	}
	var demands []Demand
	for _, r := range c.windowed() {
		demands = append(demands, Demand{r, bounds, c.runner.run.Since, BeatRefresh})
	}
	return Calls(demands, c.runner.index.Holding(c.target.ParticipantID, c.target.ConnectionID)), nil
}

// planBackfill asks what there is and returns the calls for what was never
// answered.
func (c *connection) planBackfill(ctx context.Context) ([]Call, error) {
	full, err := c.ranges(ctx, time.Time{}, BeatBackfill)
	if err != nil {
		return nil, err
	}
	held := c.runner.index.Holding(c.target.ParticipantID, c.target.ConnectionID)
	bounds := c.target.Consented.Intersect(c.runner.run.Interval)
	demands := backfillDemands(full, bounds, c.windowed())
	if len(demands) == 0 && len(backfillDemands(full, c.target.Consented, c.windowed())) > 0 {
		c.person.flag(FlagClippedInterval, "nothing is asked for: Dexcom shows no records "+c.runner.run.Interval.words())
	}
	calls := Calls(demands, held.past())
	return append(calls, c.devices(held)...), nil
}

// planSync asks what is new and returns the calls for all beats that are due.
func (c *connection) planSync(ctx context.Context) ([]Call, error) {
	state := syncState{
		held:      c.runner.index.Holding(c.target.ParticipantID, c.target.ConnectionID),
		bounds:    c.target.Consented,
		resources: c.windowed(),
		now:       c.runner.fetcher.Now().Truncate(time.Second), // the API knows no fractions
		run:       c.runner.run,
	}
	lastSync, err := c.lastSync(state)
	if err != nil {
		return nil, err
	}
	asked := state.held.Full != nil
	if asked {
		if state.full, err = state.held.Full.known(); err != nil {
			return nil, err
		}
	}
	if c.runner.run.DeepNow {
		state.deep, state.deepSince = true, c.runner.run.Since
	} else {
		state.deepSince = deepSince(c.target.ParticipantID, c.runner.run.Deep, state.now)
		state.deepShift = deepShifted(state.deepSince, c.runner.run.Deep)
		if lastSync.IsZero() { // nothing tells what was uploaded since what is older than this was read
			state.deepSince = latest(state.deepSince, state.now.Add(syncMargin-maxLastSync))
		}
		state.deep = state.deepDue()
	}
	beat := ""
	switch {
	case !asked || lastSync.IsZero() || state.deep:
		beat = BeatDeep
	case state.now.Sub(state.full.Asked) >= trailingEvery:
		beat = BeatTrailing // for what was news when nobody was to ask for it: before the study was extended
	}
	if beat != "" {
		if state.full, err = c.ranges(ctx, time.Time{}, beat); err != nil {
			return nil, err
		}
	}
	if !lastSync.IsZero() {
		news, err := c.ranges(ctx, lastSync, BeatNews)
		if err != nil {
			return nil, err
		}
		state.news = &news
	}
	return append(state.calls(), c.devices(state.held)...), nil
}

// lastSync returns the lastSyncTime to send: all uploads before it are held. It
// is zero if no dataRange answer is settled, or none that is young enough.
func (c *connection) lastSync(state syncState) (time.Time, error) {
	var best time.Time
	for _, shown := range slices.Backward(state.held.ranges()) {
		if !shown.Asked.After(best) {
			break // it can be settled up to when it was asked, not beyond
		}
		k, err := shown.known()
		if err != nil {
			return time.Time{}, err
		}
		if upTo, ok := k.settled(state.held, state.bounds, state.resources); ok {
			best = latest(best, upTo)
		}
	}
	best = best.Add(-syncMargin).Truncate(time.Second)
	if best.Before(state.now.Add(-maxLastSync)) {
		return time.Time{}, nil
	}
	return best, nil
}

// askRanges asks dataRange; a zero lastSync is not sent.
func (c *connection) askRanges(ctx context.Context, lastSync time.Time, beat string) (Known, error) {
	answer, err := c.asker(func() {}).ask(ctx, dexcom.Request{Resource: dexcom.DataRange, LastSync: lastSync})
	if err != nil {
		return Known{}, rangesError(err)
	}
	defer answer.Release()
	entry, err := c.keep(ctx, answer, beat)
	if err != nil {
		return Known{}, err
	}
	plain, err := dexcom.Plain(answer.Body, answer.Encoding, maxRanges)
	if err != nil {
		return Known{}, rangesError(err)
	}
	k, err := parseKnown(entry, plain)
	if err == nil {
		c.shown = append(c.shown, k)
	}
	return k, err
}

func rangesError(err error) error { return &CallError{Call{Resource: dexcom.DataRange}, err} }

func parseKnown(e raw.Entry, plain []byte) (Known, error) {
	ranges, err := dexcom.ParseRanges(plain)
	if err != nil {
		return Known{}, rangesError(err)
	}
	return Known{moment(e), e.ServerDate, e.LastSync, ranges}, nil
}

// windowed returns the resources that are asked for by window.
func (c *connection) windowed() []dexcom.Resource {
	return slices.DeleteFunc(slices.Clone(c.runner.fetcher.Resources), func(r dexcom.Resource) bool { return r == dexcom.Devices })
}

// devices returns the call for devices if they were not asked for within a day.
func (c *connection) devices(held Holding) []Call {
	if !slices.Contains(c.runner.fetcher.Resources, dexcom.Devices) || c.runner.fetcher.Now().Sub(held.Devices) < devicesEvery {
		return nil
	}
	return []Call{{Resource: dexcom.Devices, Beat: BeatTrailing}}
}

package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A Mode is what a run is for.
type Mode string

// Backfill asks for everything that was never answered; Sync for what is new,
// late, edited or deleted since, and for what an earlier run left open; Refresh
// again for everything.
const (
	Backfill Mode = "backfill"
	Sync     Mode = "sync"
	Refresh  Mode = "refresh"
)

// A Job says what a run asks for.
type Job struct {
	Mode     Mode
	Interval Window // backfill only: no window beyond it; zero: no bounds

	// Since says what a refresh, or trailing days or a deep beat that are wanted
	// now, need not ask again because it was answered since; zero: nothing.
	Since time.Time

	NewestFirst bool // of each participant; else oldest first

	// Sync only.
	Trailing    time.Duration // the last days read again, once a day; 0: 7 days
	TrailingNow bool          // read them again now, whenever they were last answered
	Deep        time.Duration // everything is read again this often; 0: 30 days
	DeepNow     bool          // everything is read again now, whenever it was last answered
}

// complete returns j with nothing that it needs left zero.
func (j Job) complete() Job {
	if j.Interval == (Window{}) {
		j.Interval = Window{plausibleStart, openEnd}
	}
	j.Trailing = cmp.Or(j.Trailing, defaultTrailing)
	j.Deep = cmp.Or(j.Deep, defaultDeep)
	if (j.Mode == Refresh || j.DeepNow || j.TrailingNow) && j.Since.IsZero() {
		j.Since = openEnd // no answer is that new
	}
	return j
}

// A State is all that a plan for one connection is made from.
type State struct {
	Job           Job
	ParticipantID string
	Consented     Window
	Held          Held // what the log holds of the connection
	Resources     []dexcom.Resource
	Now           time.Time

	// Reached says how far other connections to the same account were answered (see
	// Index.Reached). What they brought may be gone since, and then dataRange shows
	// nothing there: only an answer for that time tells. Of another account it must
	// say nothing.
	Reached map[dexcom.Resource]Window
}

// A Question asks dataRange what there is.
type Question struct {
	LastSync time.Time // zero: not sent, so that everything is shown
	Beat     string
}

// Questions returns what to ask dataRange before anything is planned.
func Questions(s State) ([]Question, error) {
	switch s.Job.Mode {
	case Sync:
		_, questions, err := s.sync()
		return questions, err
	case Refresh:
		return []Question{{Beat: BeatRefresh}}, nil
	}
	return []Question{{Beat: BeatBackfill}}, nil
}

// Calls returns the calls that are due, given the answers to the Questions of s, in
// the order in which to make them: oldest first or newest first whatever the resource,
// so that a run that is stopped leaves no resource behind. Devices are last. Clipped
// says why nothing is asked for of the interval that was wanted, "" if something is.
func Calls(s State, answers []Shown) (calls []Call, clipped string, err error) {
	s.Job = s.Job.complete()
	switch s.Job.Mode {
	case Sync:
		calls, err = s.syncCalls(answers)
	case Refresh:
		calls, clipped = s.refreshCalls(answers[0])
	default:
		calls, clipped = s.backfillCalls(answers[0])
	}
	slices.SortStableFunc(calls, func(a, b Call) int {
		switch {
		case a.Window.Empty() || b.Window.Empty():
			return cmp.Compare(b.Window.End.Unix(), a.Window.End.Unix())
		case s.Job.NewestFirst:
			return b.Window.Start.Compare(a.Window.Start)
		}
		return a.Window.Start.Compare(b.Window.Start)
	})
	return calls, clipped, err
}

// refreshCalls are for everything that was not answered since.
func (s State) refreshCalls(full Shown) (calls []Call, clipped string) {
	bounds := s.Consented.Intersect(full.plausible())
	if bounds.Empty() {
		clipped = "nothing " + s.Consented.Words() + " is asked for: no sensor can have recorded it yet"
	}
	var demands []demand
	for _, r := range s.windowed() {
		demands = append(demands, demand{r, bounds, s.Job.Since, BeatRefresh})
	}
	return callsFor(demands, s.Held), clipped
}

// backfillCalls are for what was never answered.
func (s State) backfillCalls(full Shown) (calls []Call, clipped string) {
	bounds := s.Consented.Intersect(s.Job.Interval)
	demands := s.backfillDemands(full, bounds)
	if len(demands) == 0 && len(s.backfillDemands(full, s.Consented)) > 0 {
		clipped = "nothing is asked for: Dexcom shows no records " + s.Job.Interval.Words()
	}
	return append(callsFor(demands, s.Held.withoutFuture()), s.devices()...), clipped
}

// syncCalls are those of all beats that are due.
func (s State) syncCalls(answers []Shown) ([]Call, error) {
	sync, questions, err := s.sync()
	if err != nil {
		return nil, err
	}
	for i, q := range questions {
		if q.LastSync.IsZero() {
			sync.full = answers[i]
		} else {
			sync.news = &answers[i]
		}
	}
	return append(sync.calls(), s.devices()...), nil
}

// sync returns what a sync plans from and what it asks before.
func (s State) sync() (sync syncState, questions []Question, err error) {
	s.Job, s.Now = s.Job.complete(), s.Now.Truncate(time.Second)
	sync.of = s
	lastSync, err := sync.lastSync()
	if err != nil {
		return sync, nil, err
	}
	if full := s.Held.Full; full != nil {
		if full.err != nil {
			return sync, nil, full.err
		}
		sync.full = *full
	}
	if s.Job.DeepNow {
		sync.deep, sync.deepSince = true, s.Job.Since
	} else {
		sync.deepSince = DeepSince(s.ParticipantID, s.Job.Deep, s.Now)
		sync.deepShift = deepShifted(sync.deepSince, s.Job.Deep)
		if lastSync.IsZero() { // nothing tells what was uploaded since what is older than this was read
			sync.deepSince = latest(sync.deepSince, s.Now.Add(syncMargin-maxLastSync))
		}
		sync.deep = sync.deepDue()
	}
	switch {
	case s.Held.Full == nil || lastSync.IsZero() || sync.deep:
		questions = append(questions, Question{Beat: BeatDeep})
	case s.Now.Sub(sync.full.Asked) >= trailingEvery: // for what was news when nobody was to ask for it: before the study was extended
		questions = append(questions, Question{Beat: BeatTrailing})
	}
	if !lastSync.IsZero() {
		questions = append(questions, Question{lastSync, BeatNews})
	}
	return sync, questions, nil
}

// known returns per resource the window in which there are records, as full shows, or
// were some, as other connections to the same account were answered.
func (s State) known(full Shown) map[dexcom.Resource]Window {
	known := full.windows()
	for r, reached := range s.Reached {
		known[r] = merge(known[r], reached).Span()
	}
	return known
}

// windowed returns the resources that are asked for by window.
func (s State) windowed() []dexcom.Resource {
	return slices.DeleteFunc(slices.Clone(s.Resources), func(r dexcom.Resource) bool { return r == dexcom.Devices })
}

// devices returns the call for devices if they were not asked for within a day.
func (s State) devices() []Call {
	if !slices.Contains(s.Resources, dexcom.Devices) || s.Now.Sub(s.Held.Devices) < devicesEvery {
		return nil
	}
	return []Call{{Resource: dexcom.Devices, Beat: BeatTrailing}}
}

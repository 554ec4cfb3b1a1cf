package study

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/load/snapshot"
)

var (
	//go:embed pulls.sql
	pullsQuery string
	//go:embed pulls_asked.sql
	askedQuery string
)

// A PullStatus says how it stands with what was recorded before somebody was connected, and
// since.
type PullStatus string

// The statuses.
const (
	PullScheduled  PullStatus = "scheduled"   // nothing was asked yet
	PullInProgress PullStatus = "in_progress" // some was, and some is due
	PullRetrying   PullStatus = "retrying"    // the last fetch failed, and the next one tries again
	PullFailure    PullStatus = "failure"     // trying again does not help: somebody has to act
	PullSuccess    PullStatus = "success"     // all that Dexcom has is held
)

// A Pull is what was fetched of somebody who is or was connected, of one kind of record.
type Pull struct {
	Kind   string // egvs, or a type of event
	Status PullStatus
	Error  string // of PullRetrying and PullFailure, for those who must not know Dexcom's words

	From, To  time.Time // that data are expected of, up to now
	Scheduled time.Time // when they were connected
	Started   time.Time // when time before that was first asked about; zero: not yet, or there is none
	Ended     time.Time // when all of it had been; zero: not yet, or there is none
	Tried     time.Time // last; zero: never

	Oldest, Newest time.Time // record; zero: there is none
	Days           int64     // UTC, with a record
}

// Failed reports whether the last try failed.
func (p Pull) Failed() bool { return p.Status == PullFailure || p.Status == PullRetrying }

// Pulls are those of chosen who are connected, or were and whose data stay, of these kinds,
// by participant.
func (s *Study) Pulls(ctx context.Context, people []Person, kinds []string) (map[string][]Pull, error) {
	connected := slices.DeleteFunc(slices.Clone(people), func(p Person) bool { return p.Connection().ID == "" })
	facts, err := s.pullFacts(ctx, connected)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]Pull, len(connected))
	for _, p := range connected {
		resources, err := s.Resources(p)
		if err != nil {
			return nil, err
		}
		expected, err := s.expected(p)
		if err != nil {
			return nil, err
		}
		for _, kind := range kinds {
			i := slices.IndexFunc(resources, func(r Resource) bool { return r.Name == resourceOf(kind) })
			if i < 0 {
				continue // the study does not ask for it
			}
			pull := facts[fact{p.Who.ID, kind}]
			asked := facts[fact{p.Who.ID, resourceOf(kind)}]
			pull.Kind, pull.Started, pull.Ended = kind, asked.Started, asked.Ended
			pull.judge(p, resources[i], expected)
			out[p.Who.ID] = append(out[p.Who.ID], pull)
		}
	}
	return out, nil
}

// HasGrant reports whether somebody is connected, whether Dexcom takes the consent at the
// moment or not.
func (p Person) HasGrant() bool {
	c := p.Connection()
	return c.ID != "" && c.Status != consent.Ended
}

// resourceOf is what the records of a kind are asked for by.
func resourceOf(kind string) string {
	if kind == "egvs" {
		return kind
	}
	return "events"
}

// judge says how it stands.
func (pull *Pull) judge(p Person, r Resource, expected []plan.Window) {
	pull.Scheduled, pull.Tried = p.Connection().CreatedAt, r.Held.Asked
	if len(expected) > 0 {
		pull.From, pull.To = expected[0].Start, expected[len(expected)-1].End
		if p.now.Before(pull.To) {
			pull.To = p.now
		}
	}
	switch {
	case p.Connection().Status == consent.Ended && pull.over(r):
		pull.Status = PullSuccess
	case p.Connection().Status == consent.Ended:
		pull.Status, pull.Error = PullFailure, "the connection has ended"
	case p.Connection().Status == consent.NeedsReconsent:
		pull.Status, pull.Error, pull.Tried = PullFailure, "the person has to consent again", p.Connection().RefusedAt
	case r.Failed && r.Refused != nil:
		pull.Status, pull.Error, pull.Tried = PullFailure, "Dexcom refuses it", p.Outcome.EndedAt
	case r.Failed:
		pull.Status, pull.Error, pull.Tried = PullRetrying, "it did not work, and is tried again", p.Outcome.EndedAt
	case r.Held.State == "held", r.Held.rejected > 0:
		pull.Status, pull.Error = PullFailure, "what came could not be read"
	case r.Held.Asked.IsZero() && !p.Held.Of("dataRange").Asked.IsZero() && r.Open == 0:
		pull.Status, pull.Tried = PullSuccess, p.Held.Of("dataRange").Asked // there is nothing to ask for
	case r.Held.Asked.IsZero():
		pull.Status = PullScheduled
	case r.Open > 0:
		pull.Status = PullInProgress
	default:
		pull.Status = PullSuccess
	}
	if pull.Status != PullSuccess {
		pull.Ended = time.Time{}
	}
}

// over reports whether all of the time before somebody was connected had been asked for.
func (pull *Pull) over(r Resource) bool {
	return !pull.Ended.IsZero() || pull.Started.IsZero() && !r.Held.Asked.IsZero()
}

// A fact is about a participant and a kind of record, or a resource.
type fact struct{ participant, kind string }

// pullFacts are what the newest snapshot says of people: of kinds, which records there are,
// and of resources, when time before they were connected was asked about.
func (s *Study) pullFacts(ctx context.Context, people []Person) (map[fact]Pull, error) {
	facts := make(map[fact]Pull)
	if len(people) == 0 {
		return facts, nil
	}
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return facts, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	db, err := snapshot.OpenOnly(ctx, l, m, snapshot.Limits{}, "coverage_days", "events", "current_events", "requests")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := cmp.Or(readRecords(ctx, db, people, facts), readAsked(ctx, db, people, facts)); err != nil {
		return nil, snapshot.Explain(ctx, l, m, err)
	}
	return facts, nil
}

func readRecords(ctx context.Context, db *sql.DB, people []Person, into map[fact]Pull) error {
	ids := mapped(people, func(p Person) string { return p.Who.ID })
	return eachRow(ctx, db, pullsQuery, func(scan func(...any) error) error {
		var of fact
		var pull Pull
		err := scan(&of.participant, &of.kind, &pull.Oldest, &pull.Newest, &pull.Days)
		into[of] = pull
		return err
	}, strings.Join(ids, ","))
}

// readAsked finds when somebody's past was first asked about, and when all of it had been.
func readAsked(ctx context.Context, db *sql.DB, people []Person, into map[fact]Pull) error {
	pairs := mapped(people, func(p Person) string {
		return fmt.Sprintf("%s=%d", p.Who.ID, p.Connection().CreatedAt.UnixMicro())
	})
	pasts := make(map[fact]*past)
	err := eachRow(ctx, db, askedQuery, func(scan func(...any) error) error {
		var of fact
		var run string
		var w plan.Window
		var at time.Time
		err := scan(&of.participant, &of.kind, &run, &w.Start, &w.End, &at)
		if pasts[of] == nil {
			pasts[of] = new(past)
		}
		pasts[of].answered(run, w, at)
		return err
	}, strings.Join(pairs, ","))
	for of, p := range pasts {
		pull := into[of]
		pull.Started, pull.Ended = p.started, p.ended
		into[of] = pull
	}
	return err
}

// A past is somebody's time before they were connected. It ends where the first run found
// its end: what was uploaded after that is news.
type past struct {
	started, ended time.Time // first answer; last one about time that no earlier one was about
	run            string    // the first
	end            time.Time
	covered        []plan.Window
}

// answered takes an answer of a run about a window, after all earlier ones.
func (p *past) answered(run string, w plan.Window, at time.Time) {
	if p.started.IsZero() {
		p.started, p.run = at, run
	}
	if p.run == run {
		p.end = later(p.end, w.End)
	}
	if w = w.Intersect(plan.Window{Start: w.Start, End: p.end}); w.Empty() {
		return
	}
	if covered, more := joinedWith(p.covered, w); more {
		p.covered, p.ended = covered, at
	}
}

// joinedWith are disjoint windows, by time, with another one, and whether that has time
// which they do not.
func joinedWith(all []plan.Window, w plan.Window) (joined []plan.Window, more bool) {
	if slices.ContainsFunc(all, func(o plan.Window) bool { return !w.Start.Before(o.Start) && !w.End.After(o.End) }) {
		return all, false
	}
	for _, o := range all {
		if o.End.Before(w.Start) || w.End.Before(o.Start) {
			joined = append(joined, o)
			continue
		}
		if o.Start.Before(w.Start) {
			w.Start = o.Start
		}
		w.End = later(w.End, o.End)
	}
	joined = append(joined, w)
	slices.SortFunc(joined, func(a, b plan.Window) int { return a.Start.Compare(b.Start) })
	return joined, true
}

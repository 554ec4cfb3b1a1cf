package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
)

// resourceStatuses are those of the resources that the study asks for, in their
// order.
func (s *study) resourceStatuses(one standing, in lakeRow) ([]resourceStatus, error) {
	windows, err := s.expected(one, in)
	if err != nil {
		return nil, err
	}
	all := make([]resourceStatus, 0, len(s.config.Sync.Resources))
	for _, resource := range s.config.Sync.Resources {
		r := resourceStatus{
			holding: in.of(resource), resource: resource, windowed: resource != "devices",
			failed: one.outcome.Error != "" && slices.Contains([]string{"", "dataRange", resource}, one.outcome.Resource),
		}
		for _, refused := range one.outcome.Refused {
			if slices.Contains([]string{"dataRange", resource}, refused.Resource) {
				r.failed, r.refused = true, refusedWords(refused)
			}
		}
		if len(windows) > 0 {
			r.from = windows[0].Start
		}
		if r.windowed {
			t := timeline{study: windows, now: one.now, asked: r.intervals, ranged: r.ranged || in.ranged(), newest: r.newest, has: in.has(resource)}
			r.nothing = t.nothing().minus(r.slots)
		}
		all = append(all, r)
	}
	return all, nil
}

// ranged reports whether the API was asked what it has of the participant.
func (r lakeRow) ranged() bool { return r.of("dataRange").ranged }

// has is what the API says it has of a resource. It does not tell of alerts:
// they are where anything else is.
func (r lakeRow) has(resource string) plan.Window {
	if resource != "alerts" {
		h := r.of(resource)
		return plan.Window{Start: h.dataFrom, End: h.dataTo}
	}
	var all plan.Window
	for _, h := range r {
		if h.dataTo.IsZero() {
			continue
		}
		if all.Start.IsZero() || h.dataFrom.Before(all.Start) {
			all.Start = h.dataFrom
		}
		if h.dataTo.After(all.End) {
			all.End = h.dataTo
		}
	}
	return all
}

// expected is the time in which data of a participant are expected: what may be
// asked for of any account of theirs. Where the study asks for all of the past,
// that begins with the oldest record.
func (s *study) expected(one standing, in lakeRow) ([]plan.Window, error) {
	zone, err := zoneOf(one.who)
	if err != nil {
		return nil, err
	}
	accounts := slices.DeleteFunc(slices.Clone(one.connections), func(c consent.Connection) bool { return c.Aside })
	if len(accounts) == 0 {
		accounts = []consent.Connection{{}}
	}
	var windows []plan.Window
	for _, c := range accounts {
		w, _ := plan.Consented(one.who.StudyStart, one.course.LastDay, zone, s.config.Study.History, c.ValidFrom, c.ValidTo)
		if one.historyAll {
			w.Start = later(w.Start, in.oldest(one.now))
		}
		if !w.Empty() {
			windows = append(windows, w)
		}
	}
	slices.SortFunc(windows, func(a, b plan.Window) int { return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End)) })
	for i := 1; i < len(windows); i++ {
		windows[i].Start = later(windows[i].Start, windows[i-1].End)
	}
	return slices.DeleteFunc(windows, plan.Window.Empty), nil
}

// oldest is where the records of a participant begin; now if there are none.
func (r lakeRow) oldest(now time.Time) time.Time {
	if all := r.has("alerts"); !all.Start.IsZero() {
		return all.Start
	}
	oldest := now
	for _, h := range r {
		if len(h.intervals) > 0 && h.intervals[0].Start.Before(oldest) {
			oldest = h.intervals[0].Start
		}
	}
	return oldest
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package study

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
)

// A Resource is what there is of a participant and resource, and what is not.
type Resource struct {
	Name string
	Held *Holding
	Missing
	from     time.Time       // data are expected from here on
	Windowed bool            // it is asked for by time
	Failed   bool            // the last fetch, at this resource or before any
	Refused  *cohort.Refusal // asking again does not help; nil: it does
}

// Covered is the share of slots of the last 14 or 30 days with a reading, in percent;
// ok is false where none are expected.
func (r Resource) Covered(days int) (pct float64, ok bool) {
	if r.Name != "egvs" || r.Held.until.IsZero() {
		return 0, false
	}
	from, slots := later(r.Held.until.AddDate(0, 0, -days), r.from), r.Held.slots30d
	if days == 14 {
		slots = r.Held.slots14d
	}
	expected := r.Held.until.Sub(from) / readingEvery
	return min(100, 100*float64(slots)/float64(expected)), expected > 0
}

// SucceededAt is when the newest answer came; where the last fetch of p failed, when last
// none did; zero: never, or the answer could not be read.
func (r Resource) SucceededAt(p Person) time.Time {
	switch done := p.Outcome.DoneAt; {
	case r.Held.State == "held" || r.Held.rejected > 0:
		return time.Time{}
	case r.Failed && r.Held.Asked.After(done):
		return done
	}
	return r.Held.Asked
}

// Concerned reports whether what the participant needs is about this resource.
func (r Resource) Concerned() bool {
	return r.Failed || r.Open > 0 || r.Held.rejected > 0 || r.Held.State == "held" || r.Name == "egvs"
}

// Resources are those that the study asks for, in their order.
func (s *Study) Resources(p Person) ([]Resource, error) {
	windows, err := s.expected(p)
	if err != nil {
		return nil, err
	}
	all := make([]Resource, 0, len(s.Config.Sync.Resources))
	for _, name := range s.Config.Sync.Resources {
		r := Resource{
			Name: name, Held: p.Held.Of(name), Windowed: name != "devices",
			Failed: p.Outcome.Error != "" && slices.Contains([]string{"", "dataRange", name}, p.Outcome.Resource),
		}
		for _, refused := range p.Outcome.Refused {
			if slices.Contains([]string{"dataRange", name}, refused.Resource) {
				r.Failed, r.Refused = true, &refused
			}
		}
		if len(windows) > 0 {
			r.from = windows[0].Start
		}
		if r.Windowed {
			t := Timeline{Study: windows, Now: p.now, Asked: r.Held.intervals, Ranged: r.Held.ranged || p.Held.ranged(), Newest: r.Held.Newest, Has: p.Held.has(name)}
			r.Missing = t.Missing().minus(r.Held.slots)
		}
		all = append(all, r)
	}
	return all, nil
}

// ranged reports whether the API was asked what it has of the participant.
func (h Holdings) ranged() bool { return h.Of("dataRange").ranged }

// has is what the API says it has of a resource. It does not tell of alerts:
// they are where anything else is.
func (h Holdings) has(resource string) plan.Window {
	if resource != "alerts" {
		of := h.Of(resource)
		return plan.Window{Start: of.dataFrom, End: of.dataTo}
	}
	var all plan.Window
	for _, of := range h {
		if of.dataTo.IsZero() {
			continue
		}
		if all.Start.IsZero() || of.dataFrom.Before(all.Start) {
			all.Start = of.dataFrom
		}
		all.End = later(all.End, of.dataTo)
	}
	return all
}

// expected is the time in which data of a participant are expected: what may be
// asked for of any account of theirs. Where the study asks for all of the past,
// that begins with the oldest record. It ends with a withdrawal.
func (s *Study) expected(p Person) ([]plan.Window, error) {
	zone, err := s.zones.of(p.Who)
	if err != nil {
		return nil, err
	}
	accounts := slices.DeleteFunc(slices.Clone(p.Connections), func(c consent.Connection) bool { return c.Aside })
	if len(accounts) == 0 {
		accounts = []consent.Connection{{}}
	}
	var windows []plan.Window
	for _, c := range accounts {
		start, end, _ := cohort.Consented(p.Who.StudyStart, p.Course.LastDay, zone, s.Config.Study.History, c.ValidFrom, c.ValidTo)
		w := plan.Window{Start: start, End: end}
		if p.allHistory {
			w.Start = later(w.Start, p.Held.oldest(p.now))
		}
		if cut := p.Withdrawal.EffectiveAt; !cut.IsZero() && cut.Before(w.End) {
			w.End = cut
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
func (h Holdings) oldest(now time.Time) time.Time {
	if all := h.has("alerts"); !all.Start.IsZero() {
		return all.Start
	}
	oldest := now
	for _, of := range h {
		if len(of.intervals) > 0 && of.intervals[0].Start.Before(oldest) {
			oldest = of.intervals[0].Start
		}
	}
	return oldest
}

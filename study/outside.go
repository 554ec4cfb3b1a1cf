package study

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// An Outside is an analysis window that does not lie within the study of participants, or
// whose study days cannot be told. It is about those of everybody's windows too.
type Outside struct {
	Window  string
	Wholly  []string // participants of whom nothing is in it
	Partly  []string // of whom a part is
	Undated []string // whose study day 1 the roster does not say
}

// WindowsOutside holds windows against the study dates of people, window by window.
func (s *Study) WindowsOutside(windows []cohort.Window, people []cohort.Participant) ([]Outside, error) {
	byName := make(map[string]*Outside)
	var names []string
	for _, w := range windows {
		if byName[w.Name] == nil {
			byName[w.Name], names = &Outside{Window: w.Name}, append(names, w.Name)
		}
	}
	for _, who := range people {
		for _, w := range cohort.WindowsOf(who.ID, windows) {
			if err := s.holdAgainst(byName[w.Name], w, who); err != nil {
				return nil, err
			}
		}
	}
	found := mapped(names, func(name string) Outside { return *byName[name] })
	return slices.DeleteFunc(found, func(o Outside) bool { return len(o.Wholly)+len(o.Partly)+len(o.Undated) == 0 }), nil
}

func (s *Study) holdAgainst(into *Outside, w cohort.Window, who cohort.Participant) error {
	first, last := w.Start, w.End
	if w.StartDay != 0 {
		if who.AnchorDate.IsZero() {
			into.Undated = append(into.Undated, who.ID)
			return nil
		}
		first, last = onDay(who.AnchorDate, w.StartDay), onDay(who.AnchorDate, w.EndDay)
	}
	wholly, partly, err := s.outside(first, last, who)
	switch {
	case wholly:
		into.Wholly = append(into.Wholly, who.ID)
	case partly:
		into.Partly = append(into.Partly, who.ID)
	}
	return err
}

// ExclusionsOutside are the participants of whom an exclusion leaves out nothing of their
// study.
func (s *Study) ExclusionsOutside(exclusions []cohort.Exclusion, people []cohort.Participant) (ids []string, err error) {
	for _, e := range exclusions {
		i := slices.IndexFunc(people, func(who cohort.Participant) bool { return who.ID == e.ParticipantID })
		if i < 0 || slices.Contains(ids, e.ParticipantID) {
			continue
		}
		wholly, _, err := s.outside(e.From, e.To.Add(-time.Second), people[i])
		if err != nil {
			return nil, err
		}
		if wholly {
			ids = append(ids, e.ParticipantID)
		}
	}
	return ids, nil
}

// outside says how the days from first to last lie to the study of who.
func (s *Study) outside(first, last time.Time, who cohort.Participant) (wholly, partly bool, err error) {
	course, err := s.course(who, time.Time{})
	begin, end := who.StudyStart, cmp.Or(who.StudyEnd, course.LastDay)
	if s.Config.Study.History == cohort.HistoryAll {
		begin = time.Time{}
	}
	if !end.IsZero() {
		end = end.AddDate(0, 0, 1)
		wholly, partly = !first.Before(end), !last.Before(end)
	}
	return wholly || last.Before(begin), partly || first.Before(begin), err
}

// onDay is the date of a study day: 1 is the anchor, -1 the day before.
func onDay(anchor time.Time, day int) time.Time {
	if day > 0 {
		day--
	}
	return anchor.AddDate(0, 0, day)
}

package load

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/dexcom"
)

type coverKey struct{ participant, resource string }

// A cover is what has been asked of a resource for one participant.
type cover struct {
	intervals []interval // sorted, disjoint, not touching
	asked     arrow.Timestamp
	records   int64 // of a resource without windows
	from, to  arrow.Timestamp
	windowed  bool // asked and records are those of the intervals
}

// An interval is time that answers cover without a break.
type interval struct {
	from, to, asked arrow.Timestamp
	records         int64
}

func (s *step) cover(participant, resource string) *cover {
	key := coverKey{participant, resource}
	if s.coverage[key] == nil {
		s.coverage[key] = new(cover)
	}
	return s.coverage[key]
}

// heldCoverage takes a row of coverage.
func (s *step) heldCoverage(r row) {
	c := s.cover(r.str("participant_id"), r.str("resource"))
	c.from, c.to = r.stamp("data_from"), r.stamp("data_to")
	from, asked, records := r.stamp("asked_from"), r.stamp("asked_at"), r.long("records")
	if from == 0 {
		c.asked, c.records = asked, records
		return
	}
	c.windowed = true
	c.intervals = append(c.intervals, interval{from, r.stamp("asked_to"), asked, records})
}

// coverWindows adds the windows of answers and counts the present records anew:
// in time covered before by what came and went, elsewhere one by one. Both are
// among r's rows, which are all rows of the months that the answers touch.
func (s *step) coverWindows(participant, resource string, answers []*answer, r *records) {
	c := s.cover(participant, resource)
	old := c.intervals
	merged := slices.Clone(old)
	for _, a := range answers {
		if from, to := a.covered(); from.Before(to) {
			merged = append(merged, interval{from: instant(from), to: instant(to), asked: instant(a.AskedAt)})
		}
	}
	merged = mergeIntervals(merged)
	for place := range r.rows {
		was, is := r.presence(place)
		t := r.rows[place].time
		now := intervalAt(merged, t)
		switch {
		case now == nil:
		case is && intervalAt(old, t) == nil:
			now.records++
		case is != was && intervalAt(old, t) != nil:
			now.records += int64(bit(is) - bit(was))
		}
	}
	c.intervals, c.windowed = merged, len(merged) > 0
}

// mergeIntervals joins intervals that overlap or touch. It reorders its argument.
func mergeIntervals(all []interval) []interval {
	slices.SortFunc(all, func(a, b interval) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	var merged []interval
	for _, i := range all {
		if n := len(merged); n > 0 && i.from <= merged[n-1].to {
			last := &merged[n-1]
			last.to = max(last.to, i.to)
			last.asked = max(last.asked, i.asked)
			last.records += i.records
		} else {
			merged = append(merged, i)
		}
	}
	return merged
}

func intervalAt(sorted []interval, t arrow.Timestamp) *interval {
	n := sort.Search(len(sorted), func(i int) bool { return sorted[i].to > t })
	if n < len(sorted) && sorted[n].from <= t {
		return &sorted[n]
	}
	return nil
}

// coverRanges applies the dataRange answers: what the API says it has. One
// asked with lastSyncTime tells of news only and can but widen it.
func (s *step) coverRanges() {
	for _, a := range s.answers {
		if a.ranges == nil || a.held != nil {
			continue
		}
		c := s.cover(a.ParticipantID, a.Resource)
		c.asked = max(c.asked, instant(a.AskedAt))
		for resource, found := range resourceRanges(a.ranges) {
			s.cover(a.ParticipantID, resource).found(a.known(found), a.LastSync.IsZero(), a.AskedAt)
		}
	}
}

func (c *cover) found(r *dexcom.Range, whole bool, at time.Time) {
	if whole {
		c.from, c.to = 0, 0
	}
	if r == nil && c.to == 0 && !c.windowed {
		c.asked = 0 // no row of coverage tells the next commit
		return
	}
	if !c.windowed {
		c.asked = max(c.asked, instant(at))
	}
	if r == nil {
		return
	}
	from, to := instant(r.Start), instant(r.End)
	if c.to == 0 {
		c.from, c.to = from, to
		return
	}
	c.from, c.to = min(c.from, from), max(c.to, to)
}

// coverageRows are the rows of coverage. A range that the API says it has and
// of which nothing was asked yet is a row without an interval.
func (s *step) coverageRows(add addRow) {
	for key, c := range s.coverage {
		from, to := timeOf(c.from), timeOf(c.to)
		for _, i := range c.intervals {
			add(key.participant, key.resource, timeOf(i.from), timeOf(i.to), timeOf(i.asked), i.records, from, to)
		}
		if len(c.intervals) == 0 && (c.to != 0 || key.resource == "devices" || key.resource == "dataRange") {
			add(key.participant, key.resource, nil, nil, timeOf(c.asked), c.records, from, to)
		}
	}
}

// timeOf is the time of a column's value; 0 is the zero time.
func timeOf(t arrow.Timestamp) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

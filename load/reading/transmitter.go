package reading

import (
	"cmp"
	"slices"
)

// longestLife bounds the ticks that say when a transmitter was started: the
// longest-lived ones last some months, and more is a device that does not know.
const longestLife = 3650 * 86_400 // seconds

// A span is the time in which a transmitter sent.
type span struct {
	transmitter string
	started     int64 // by its ticks, else its first record
	first, last int64 // records
}

// transmitters returns the spans of records, which are in order of time, the
// one started first in front.
func transmitters(records []Record) []span {
	index := make(map[string]int)
	var spans []span
	for i := range records {
		r := &records[i]
		if r.Transmitter == "" {
			continue
		}
		n, ok := index[r.Transmitter]
		if !ok {
			n = len(spans)
			index[r.Transmitter] = n
			spans = append(spans, span{r.Transmitter, r.Time, r.Time, r.Time})
		}
		s := &spans[n]
		s.last = r.Time
		if r.Ticks > 0 && r.Ticks < longestLife {
			s.started = min(s.started, r.Time-r.Ticks*second)
		}
	}
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.started, b.started), cmp.Compare(a.transmitter, b.transmitter))
	})
	return spans
}

// leaders returns the groups that the transmitter in charge at their time took
// part in, and those without a transmitter, and marks where one was running
// that took no part.
func leaders(groups []*group, spans []span) []*group {
	return slices.DeleteFunc(groups, func(g *group) bool {
		leader, others := "", false
		for _, s := range spans {
			if s.first > g.chosen.Time || g.chosen.Time > s.last {
				continue
			}
			if leader == "" {
				leader = s.transmitter
			}
			others = others || !slices.Contains(g.transmitters, s.transmitter)
		}
		if len(g.transmitters) == 0 {
			return false
		}
		g.overlap = others
		return leader != "" && !slices.Contains(g.transmitters, leader)
	})
}

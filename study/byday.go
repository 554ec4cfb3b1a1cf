package study

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
)

// byDay are the readings of one participant, local day after local day, those
// without local time first.
type byDay struct {
	readings []metrics.Reading
	day      []int64 // of each, since 1970
}

const (
	noDay         = -1 << 62
	secondsPerDay = 24 * 60 * 60
	microsPerDay  = secondsPerDay * 1_000_000
)

func newByDay(sequence []snapshot.SequenceReading) *byDay {
	days := &byDay{make([]metrics.Reading, len(sequence)), make([]int64, len(sequence))}
	for i, r := range sequence {
		days.day[i] = dayOf(r)
		if i > 0 && days.day[i] < days.day[i-1] {
			sequence = slices.Clone(sequence)
			slices.SortStableFunc(sequence, func(a, b snapshot.SequenceReading) int { return cmp.Compare(dayOf(a), dayOf(b)) })
			return newByDay(sequence)
		}
		days.readings[i] = metrics.Reading{Time: time.UnixMicro(r.Time).UTC(), GlucoseMgdL: r.MgdL, HasValue: true, CadenceMin: int(r.Cadence)}
		if r.Placed {
			days.readings[i].Local = time.UnixMicro(r.Local).UTC()
		}
	}
	return days
}

// dayOf is the local day of a reading, since 1970.
func dayOf(r snapshot.SequenceReading) int64 {
	switch {
	case !r.Placed:
		return noDay
	case r.Local < 0:
		return (r.Local - microsPerDay + 1) / microsPerDay
	}
	return r.Local / microsPerDay
}

// within are the readings of a span. They are not to be changed.
func (b *byDay) within(s snapshot.Span) []metrics.Reading {
	if !s.From.IsZero() {
		return b.between(s.From, s.To)
	}
	placed := b.from(noDay + 1)
	unknown := b.readings[:placed]
	if !s.TakesUnknown {
		unknown = nil
	}
	if s.First.IsZero() || s.Last.IsZero() {
		return unknown
	}
	first := b.from(s.First.Unix() / secondsPerDay)
	end := max(first, b.from(s.Last.Unix()/secondsPerDay+1))
	if len(unknown) == 0 {
		return b.readings[first:end]
	}
	return slices.Concat(unknown, b.readings[first:end])
}

// between are the readings of a time in UTC, both ends included, whichever their dates.
func (b *byDay) between(from, to time.Time) (found []metrics.Reading) {
	for _, r := range b.readings {
		if !r.Time.Before(from) && !r.Time.After(to) {
			found = append(found, r)
		}
	}
	return found
}

// from is the place of the first reading that is not before a day.
func (b *byDay) from(day int64) int {
	i, _ := slices.BinarySearch(b.day, day)
	return i
}

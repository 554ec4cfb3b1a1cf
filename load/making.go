package load

import (
	"context"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
)

// A making is the readings of one participant in the making.
type making struct {
	*derivation
	participant string
	months      map[monthNo]bool
	egvs        egvRows // of them and their neighbours
	old         []piece // glucose of them
	oldDays     []piece // glucose_days of them
	slices      []piece // of old and oldDays
}

func (m *making) release() {
	for _, pieces := range [][]piece{m.slices, m.old, m.oldDays} {
		releasePieces(pieces)
	}
	m.egvs.release()
}

// hold reads the rows held of what is made, in the files that are wanted.
func (m *making) hold(ctx context.Context, want func(lake.File, monthNo) bool) (err error) {
	if m.old, err = m.take(ctx, m.held, m.participant, want); err == nil {
		m.oldDays, err = m.take(ctx, m.heldDays, m.participant, want)
	}
	return err
}

// knows reports whether the rows held of a month are known, so that others may take
// their place.
func (m *making) knows(t shape, n monthNo) bool {
	return !m.step.lost.in(t.Name, n.String(), m.participant)
}

// make derives month after month.
func (m *making) make() {
	readings := reading.InMonths(m.egvs.records(), m.step.study.people[m.participant])
	for n := range m.months {
		if m.step.lostSources(n, m.participant) {
			m.cut(n)
			continue
		}
		from, to := n.bounds()
		records, of := readings.Of(reading.Month{From: from, To: to})
		m.replace(n, 0, records, of)
	}
}

// oldOf are the rows held of a month, from an instant on.
func (m *making) oldOf(t shape, held []piece, n monthNo, since arrow.Timestamp) (old []piece) {
	for _, p := range held {
		times := t.times(p.rows, t.Time).Values()
		first, _ := slices.BinarySearch(times, since)
		switch {
		case monthOf(times[0]) != n || first == len(times):
		case first == 0:
			old = append(old, p)
		default:
			late := piece{p.rows.NewSlice(int64(first), int64(len(times))), p.first + first, p.path}
			m.slices, old = append(m.slices, late), append(old, late)
		}
	}
	return old
}

// replace puts the readings of a month, from an instant on, in the place of those held.
func (m *making) replace(n monthNo, since arrow.Timestamp, records []reading.Record, readings []reading.Reading) {
	m.step.countReadings(monthKey{m.participant, n.String(), "egvs"}, since, records, readings)
	if m.knows(m.t, n) {
		fresh := m.glucoseRows(readings)
		m.step.edit(m.t.Name, n.String(), m.step.difference(m.t, m.participant, m.oldOf(m.t, m.old, n, since), fresh))
		fresh.Release()
	}
	m.replaceDays(n, since, readings)
}

// replaceDays puts what adds up of the readings of a month, from the begin of a day on,
// in the place of what is held.
func (m *making) replaceDays(n monthNo, since arrow.Timestamp, readings []reading.Reading) {
	if !m.step.parent.KeepsDays() || !m.knows(m.days, n) {
		return
	}
	fresh := m.step.glucoseDayRows(m.participant, readings)
	defer fresh.Release()
	c, _ := m.step.replacement(m.days, m.oldOf(m.days, m.oldDays, n, since), []piece{{rows: fresh}})
	c.participant = m.participant
	m.step.edit(m.days.Name, n.String(), c)
}

// countReadings counts the days of a month of readings, from one on, and their
// conflicts.
func (s *step) countReadings(month monthKey, since arrow.Timestamp, records []reading.Record, readings []reading.Reading) {
	days, conflicts := daysOfReadings(records, readings), 0
	for i := range readings {
		conflicts += int(readings[i].Conflicts)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conflicts += conflicts
	s.days[month] = counted{since, days}
}

// cut drops what is held of a month from a withdrawal on; the day of it is summed anew.
func (m *making) cut(n monthNo) {
	m.step.edit(m.t.Name, n.String(), m.step.cutReadings(m.t, m.participant, m.oldOf(m.t, m.old, n, 0)))
	at := instant(m.step.loader.cuts[m.participant])
	stay := heldReadings(m.oldOf(m.t, m.old, n, midnight(at)))
	m.replaceDays(n, midnight(at), stay[:sort.Search(len(stay), func(i int) bool { return arrow.Timestamp(stay[i].Time) >= at })])
}

// cutReadings drops the readings held from a withdrawal on.
func (s *step) cutReadings(t shape, participant string, held []piece) change {
	c := change{participant: participant}
	cut, removed := s.loader.cuts[participant], 0
	for _, p := range held {
		for row, at := range t.times(p.rows, "time_utc").Values() {
			if at >= instant(cut) {
				c.drop(p, row)
				removed++
			}
		}
	}
	if removed > 0 {
		s.counted(t.Name, Counts{Removed: removed})
	}
	return c
}

// difference compares the readings held with the ones derived.
func (s *step) difference(t shape, participant string, held []piece, fresh arrow.RecordBatch) change {
	c := change{participant: participant}
	times := t.times(fresh, "time_utc")
	kept := make([]bool, times.Len())
	var counts Counts
	replaced := 0
	for _, p := range held {
		old := t.times(p.rows, "time_utc")
		for row := range old.Len() {
			at, found := slices.BinarySearch(times.Values(), old.Value(row))
			if found && compareRows(p.rows, row, fresh, at, t.all) == 0 {
				kept[at] = true
				continue
			}
			replaced += bit(found)
			counts.Removed += bit(!found)
			c.drop(p, row)
		}
	}
	var picks []pick
	for row, same := range kept {
		if !same {
			picks = append(picks, pick{0, int32(row)})
		}
	}
	counts.Changed, counts.Added = replaced, len(picks)-replaced
	if counts != (Counts{}) {
		s.counted(t.Name, counts)
	}
	switch len(picks) {
	case 0:
	case times.Len():
		fresh.Retain()
		c.adds = fresh
	default:
		c.adds = sources{fresh}.gather(s.loader.Mem, t.schema, picks)
	}
	return c
}

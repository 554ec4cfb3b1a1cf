package load

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/reading"
)

// A making is the readings of one participant in the making.
type making struct {
	*derivation
	participant string
	months      map[monthNo]bool
	egvs        egvRows // of them and their neighbours
	old         []piece // glucose of them
	slices      []piece // of old
}

func (m *making) release() {
	releasePieces(m.slices)
	releasePieces(m.old)
	m.egvs.release()
}

// replaces reports whether the rows held of a month are known, so that others may
// take their place.
func (m *making) replaces(n monthNo) bool {
	return m.months[n] && !m.step.lost.in(m.t.Name, n.String(), m.participant)
}

// make derives month after month.
func (m *making) make() {
	readings := reading.InMonths(m.egvs.records(), m.step.study.people[m.participant])
	for n := range m.months {
		if m.step.lostSources(n, m.participant) {
			m.step.edit(m.t.Name, n.String(), m.step.cutReadings(m.t, m.participant, m.oldOf(n, 0)))
			continue
		}
		from, to := n.bounds()
		records, of := readings.Of(reading.Month{From: from, To: to})
		m.replace(n, 0, records, of)
	}
}

// oldOf are the readings held of a month, from an instant on.
func (m *making) oldOf(n monthNo, since arrow.Timestamp) (old []piece) {
	for _, p := range m.old {
		times := m.t.times(p.rows, m.t.Time).Values()
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
	if m.replaces(n) {
		fresh := m.glucoseRows(readings)
		m.step.edit(m.t.Name, n.String(), m.step.difference(m.t, m.participant, m.oldOf(n, since), fresh))
		fresh.Release()
	}
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

package load

import (
	"context"
	"maps"
	"runtime"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
)

// A derivation makes glucose of egvs, for one participant after the other, in their
// order. Beside the rows that the fold has in hand it reads those of neighbouring
// months.
type derivation struct {
	step       *step
	t          shape       // glucose
	files      []lake.File // of egvs
	rows, held *sweep      // egvs, glucose
	made       errgroup.Group
}

// derivation makes glucose of the egvs of a side.
func (s *step) derivation(of Side) *derivation {
	d := &derivation{step: s, t: shapeNamed("glucose"), files: of.Manifest.TableFiles("egvs")}
	d.rows = newSweep(of.Lake, slices.Clone(d.files), lake.ReadOptions{Columns: egvColumns[:]})
	d.held = s.heldRows(d.t.Name)
	d.made.SetLimit(runtime.GOMAXPROCS(0))
	return d
}

// close waits for what is being made.
func (d *derivation) close() {
	d.rows.close()
	d.held.close()
	d.made.Wait() //nolint:errcheck // nothing in it can fail
}

// deriveMoved derives the readings of those whose place in the roster changed, but
// for those with changes of egvs, which are derived with these.
func (s *step) deriveMoved(ctx context.Context) error {
	answered := s.answersOf("egvs")
	d := s.derivation(s.held())
	defer d.close()
	for _, p := range slices.Sorted(maps.Keys(s.study.moved)) {
		if answered[p] != nil || slices.Contains(s.study.anew, p) {
			continue
		}
		if err := d.participant(ctx, &records{participant: p}, nil); err != nil {
			return err
		}
	}
	return nil
}

// participant derives the readings of the months that changed and their neighbours,
// and of all months if the place in the roster did. In hand are all rows of some months.
func (d *derivation) participant(ctx context.Context, inHand *records, changed []monthNo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if done, err := d.since(ctx, inHand); done || err != nil {
		return err
	}
	m := &making{derivation: d, participant: inHand.participant}
	if err := d.months(m, changed); err != nil || len(m.months) == 0 {
		return err
	}
	needed := around(m.months)
	pieces, err := d.take(ctx, d.rows, m.participant, func(f lake.File, n monthNo) bool {
		return needed[n] && !inHand.holds(f) && !d.step.lost.in("egvs", n.String(), m.participant)
	})
	if err != nil {
		return err
	}
	m.egvs.add(pieces)
	m.egvs.addRecords(inHand, func(rec *record) bool { return needed[rec.month] })
	if m.old, err = d.take(ctx, d.held, m.participant, func(_ lake.File, n monthNo) bool { return m.replaces(n) }); err != nil {
		m.release()
		return err
	}
	d.made.Go(func() error {
		defer m.release()
		m.make()
		return nil
	})
	return nil
}

// months says which months are derived, in their order.
func (d *derivation) months(of *making, changed []monthNo) error {
	months, s := make(map[monthNo]bool), d.step
	for _, n := range changed {
		months[n] = true
	}
	months = around(months)
	add := func(files []lake.File, is func(monthNo) bool) error {
		for _, f := range files {
			n, err := parseMonth(f.Partition)
			if err != nil {
				return err
			}
			if f.FirstParticipant <= of.participant && of.participant <= f.LastParticipant && is(n) {
				months[n] = true
			}
		}
		return nil
	}
	if s.study.moved[of.participant] {
		if err := add(d.files, func(monthNo) bool { return true }); err != nil {
			return err
		}
	}
	if slices.Contains(s.study.anew, of.participant) { // whose withdrawn records may be lost: no change tells of them
		err := add(s.parent.TableFiles(d.t.Name), func(n monthNo) bool { return s.lostSources(n, of.participant) })
		if err != nil {
			return err
		}
	}
	// Where its records are lost a month stays as it is, but for a withdrawal.
	cut := !s.loader.cuts[of.participant].IsZero()
	maps.DeleteFunc(months, func(n monthNo, _ bool) bool { return !cut && s.lostSources(n, of.participant) })
	of.months = months
	return nil
}

// take returns a participant's rows of some months.
func (d *derivation) take(ctx context.Context, from *sweep, participant string, want func(lake.File, monthNo) bool) ([]piece, error) {
	return from.take(ctx, participant, func(f lake.File) bool {
		n, err := parseMonth(f.Partition)
		return err == nil && f.Damaged == "" && want(f, n)
	})
}

// around are months and their neighbours.
func around(months map[monthNo]bool) map[monthNo]bool {
	all := make(map[monthNo]bool, len(months)+2)
	for m := range months {
		all[m-1], all[m], all[m+1] = true, true, true
	}
	return all
}

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

func partition(files []lake.File, name string) []lake.File {
	return slices.DeleteFunc(files, func(f lake.File) bool { return f.Partition != name })
}

// lostSources reports whether records that a month's readings are made of may be lost.
func (s *step) lostSources(m monthNo, participant string) bool {
	return slices.ContainsFunc([]monthNo{m - 1, m, m + 1}, func(m monthNo) bool { return s.lost.in("egvs", m.String(), participant) })
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

package load

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// daysTable counts the present records day by day, so that nobody has to read
// them to know how many there are and which is the newest. It is a function of
// them, month by month; for egvs it says what the readings made of them cover, and
// so is one of neighbouring months and the roster, as glucose is.
const daysTable = "coverage_days"

// dayResources are those that coverage_days has.
func dayResources() (resources []string) {
	for _, t := range shapesOf(transform.Record) {
		if t.Name == t.Resource {
			resources = append(resources, t.Resource)
		}
	}
	return resources
}

// A monthKey is one participant's records of one resource in one partition.
type monthKey struct{ participant, partition, resource string }

// countDays counts the days of a month in which r changed. Those of egvs wait for
// the readings.
func (s *step) countDays(r *records, m monthNo) {
	if r.Resource == "egvs" {
		return
	}
	days := make(dayCounts)
	for _, place := range r.months[m].rows {
		if rec := &r.rows[place]; !rec.gone && rec.vanished == 0 {
			days.add(rec.time)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.days[monthKey{r.participant, m.String(), r.Resource}] = counted{days: days}
}

// foldDays puts the days that were counted in the place of those held.
func (s *step) foldDays(ctx context.Context) error {
	months := make(map[string]map[string]bool) // participant, partition
	for key := range s.days {
		within(months, key.participant)[key.partition] = true
	}
	t := shapeNamed(daysTable)
	want := func(p string, f lake.File) bool { return months[p][f.Partition] && f.Damaged == "" }
	return s.heldRows(daysTable).each(ctx, slices.Sorted(maps.Keys(months)), want, func(p string, held []piece) error {
		for partition := range months[p] {
			if !s.lost.in(daysTable, partition, p) {
				s.replaceDays(t, p, partition, held)
			}
		}
		return nil
	})
}

// replaceDays replaces the days of one month among those held. Which of them were
// not counted stay, unless they lie behind a withdrawal.
func (s *step) replaceDays(t shape, participant, partition string, all []piece) {
	var held []piece
	for _, p := range all {
		if month(t.times(p.rows, "day").Value(0)) == partition {
			held = append(held, p)
		}
	}
	b := newRows(s.loader.Mem, daysTable)
	for _, resource := range dayResources() {
		for day, d := range s.days[monthKey{participant, partition, resource}].days {
			b.row(participant, resource, timeOf(day), d.records, d.slots, timeOf(d.first), timeOf(d.last), d.clockOffset)
		}
	}
	counted := b.batch()
	defer counted.Release()
	fresh := append(batchesOf(held), counted)
	stay := fresh.picks(func(p pick) bool {
		r := row{&t, fresh[p.src], int(p.row)}
		days, isCounted := s.days[monthKey{participant, partition, r.str("resource")}]
		isCounted = isCounted && r.stamp("day") >= days.since
		return int(p.src) == len(held) || !isCounted && !s.isCut(participant, r.stamp("last_record"))
	})
	rows := fresh.gather(s.loader.Mem, t.schema, stay)
	defer rows.Release()
	if c, _ := s.replacement(t, held, []piece{{rows: rows}}); c.adds != nil || c.drops != nil {
		c.participant = participant
		s.edit(daysTable, partition, c)
	}
}

// isCut reports whether the last record of a day lies behind a withdrawal. It
// matters where the records are lost from which the day would be counted anew.
func (s *step) isCut(participant string, last arrow.Timestamp) bool {
	cut := s.loader.cuts[participant]
	return !cut.IsZero() && last >= instant(cut)
}

// daysAnew takes the days that another lake counted for a participant, in the
// place of those held. Those of egvs are counted with the readings.
func (s *step) daysAnew(ctx context.Context, participant string, from Side) error {
	files := from.Manifest.TableFiles(daysTable)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, partition := range partitionsOf(files, s.parent.TableFiles(daysTable)) {
		for _, resource := range dayResources() {
			if resource != "egvs" {
				s.days[monthKey{participant, partition, resource}] = counted{days: make(dayCounts)}
			}
		}
	}
	pieces, err := participantRows(ctx, from.Lake, files, participant)
	if err != nil {
		return err
	}
	defer releasePieces(pieces)
	t := shapeNamed(daysTable)
	for _, p := range pieces {
		for at := range int(p.rows.NumRows()) {
			r := row{&t, p.rows, at}
			day := r.stamp("day")
			s.days[monthKey{participant, month(day), r.str("resource")}].days[day] = &dayCount{
				records: r.long("records"), first: r.stamp("first_record"), last: r.stamp("last_record"),
			}
		}
	}
	return nil
}

package load

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

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
func (s *step) countDays(r *records, partition string) error {
	if r.Resource == "egvs" {
		return nil
	}
	m, err := parseMonth(partition)
	if err != nil {
		return err
	}
	days := make(dayCounts)
	for _, place := range r.months[m].rows {
		if rec := &r.rows[place]; !rec.gone && rec.vanished == 0 {
			days.add(rec.time)
		}
	}
	s.days[monthKey{r.participant, partition, r.Resource}] = days
	return nil
}

// foldDays puts the days that were counted in the place of those held.
func (s *step) foldDays(ctx context.Context) error {
	months := make(map[string]map[string]bool) // participant, partition
	for key := range s.days {
		if months[key.participant] == nil {
			months[key.participant] = make(map[string]bool)
		}
		months[key.participant][key.partition] = true
	}
	participants := slices.Sorted(maps.Keys(months))
	if len(participants) == 0 {
		return nil
	}
	sw := newSweep(s.Lake, s.parent.TableFiles(daysTable), lake.ReadOptions{To: participants[len(participants)-1]})
	defer sw.close()
	t := shapeNamed(daysTable)
	for _, p := range participants {
		held, err := sw.take(ctx, p, func(f lake.File) bool { return months[p][f.Partition] && f.Damaged == "" })
		if err != nil {
			return err
		}
		for _, partition := range slices.Sorted(maps.Keys(months[p])) {
			if s.lost.in(daysTable, partition, p) {
				continue
			}
			s.replaceDays(t, p, partition, held)
		}
		releasePieces(held)
	}
	return s.rewriteTables(ctx, daysTable)
}

func (s *step) replaceDays(t shape, participant, partition string, all []piece) {
	var held []piece
	b := newRows(s.mem, daysTable)
	for _, p := range all {
		if p.rows.NumRows() == 0 || month(t.times(p.rows, "day").Value(0)) != partition {
			continue
		}
		held = append(held, p)
		for row := range int(p.rows.NumRows()) {
			key := monthKey{participant, partition, t.text(p.rows, "resource").Value(row)}
			if _, counted := s.days[key]; !counted && !s.isCut(participant, t.times(p.rows, "last_record").Value(row)) {
				b.row(t.values(p.rows, row)...)
			}
		}
	}
	for _, resource := range dayResources() {
		for day, d := range s.days[monthKey{participant, partition, resource}] {
			b.row(participant, resource, timeOf(day), d.records, d.slots, timeOf(d.first), timeOf(d.last), d.clockOffset)
		}
	}
	fresh := b.batch()
	defer fresh.Release()
	if c, _ := s.replacement(t, held, []piece{{rows: fresh}}); c.adds != nil || c.drops != nil {
		c.participant = participant
		s.edit(daysTable, partition, c)
	}
}

// isCut reports whether the last record of a day lies behind a withdrawal. It
// matters where the records are lost from which the day would be counted anew.
func (s *step) isCut(participant string, last arrow.Timestamp) bool {
	cut := s.cuts[participant]
	return !cut.IsZero() && last >= instant(cut)
}

// daysAnew takes the days that another lake counted for a participant, in the
// place of those held. Those of egvs are counted with the readings.
func (s *step) daysAnew(ctx context.Context, participant string, from *lake.Lake, m lake.Manifest) error {
	files := m.TableFiles(daysTable)
	for _, partition := range partitionsOf(files, s.parent.TableFiles(daysTable)) {
		for _, resource := range dayResources() {
			if resource != "egvs" {
				s.days[monthKey{participant, partition, resource}] = make(dayCounts)
			}
		}
	}
	pieces, err := participantRows(ctx, from, files, participant)
	if err != nil {
		return err
	}
	defer releasePieces(pieces)
	t := shapeNamed(daysTable)
	for _, p := range pieces {
		day, records := t.times(p.rows, "day"), t.longs(p.rows, "records")
		first, last := t.times(p.rows, "first_record"), t.times(p.rows, "last_record")
		for row := range day.Len() {
			key := monthKey{participant, month(day.Value(row)), string([]byte(t.text(p.rows, "resource").Value(row)))}
			s.days[key][day.Value(row)] = &dayCount{records: records.Value(row), first: first.Value(row), last: last.Value(row)}
		}
	}
	return nil
}

// values are those of a row of a small table, for rows.row.
func (s shape) values(b arrow.RecordBatch, row int) []any {
	values := make([]any, len(s.Columns))
	for i, column := range b.Columns() {
		if column.IsNull(row) {
			continue
		}
		switch c := column.(type) {
		case *array.String:
			values[i] = c.Value(row)
		case *array.Int16:
			values[i] = c.Value(row)
		case *array.Int64:
			values[i] = c.Value(row)
		case *array.Timestamp:
			values[i] = timeOf(c.Value(row))
		default:
			panic(fmt.Sprintf("%s has no column of type %s", s.Name, column.DataType()))
		}
	}
	return values
}

package load

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
)

// daysTable counts the present records day by day, so that nobody has to read
// them to know how many there are and which is the newest. It is a function of
// them, month by month.
const daysTable = "coverage_days"

// slotLength divides a day into the slots in which a sensor's readings are
// expected.
const slotLength = 5 * time.Minute

// A monthKey is one participant's records of one resource in one partition.
type monthKey struct{ participant, partition, resource string }

// A dayCount is a day's present records.
type dayCount struct {
	records     int64
	slots       [5]uint64 // bits: those that have a value
	first, last arrow.Timestamp
}

func (d *dayCount) add(t arrow.Timestamp, value bool) {
	if d.records == 0 || t < d.first {
		d.first = t
	}
	d.records++
	d.last = max(d.last, t)
	if value {
		slot := int64(t) % (24 * time.Hour).Microseconds() / slotLength.Microseconds()
		d.slots[slot/64] |= 1 << (slot % 64)
	}
}

func (d *dayCount) filled() (n int64) {
	for _, word := range d.slots {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// countDays counts the days of a month in which r changed.
func (s *step) countDays(r *records, partition string) error {
	m, err := parseMonth(partition)
	if err != nil {
		return err
	}
	days := make(map[arrow.Timestamp]*dayCount)
	for _, place := range r.months[m].rows {
		rec := &r.rows[place]
		if rec.gone || rec.vanished != 0 {
			continue
		}
		day := rec.time - rec.time%arrow.Timestamp((24*time.Hour).Microseconds())
		if days[day] == nil {
			days[day] = new(dayCount)
		}
		days[day].add(rec.time, r.hasValue(rec))
	}
	s.days[monthKey{r.participant, partition, r.resource}] = days
	return nil
}

// hasValue reports whether the record is a reading with a value, as glucose
// counts it.
func (r *records) hasValue(rec *record) bool {
	if r.resource != "egvs" {
		return false
	}
	b, row := r.sources[rec.src], int(rec.row)
	if b.Column(r.place["glucose_mgdl"]).IsValid(row) {
		return true
	}
	status := r.text(b, "status")
	return status.IsValid(row) && (status.Value(row) == "low" || status.Value(row) == "high")
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
	return nil
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
			if _, counted := s.days[monthKey{participant, partition, t.text(p.rows, "resource").Value(row)}]; !counted {
				b.row(t.values(p.rows, row)...)
			}
		}
	}
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		for day, d := range s.days[monthKey{participant, partition, resource}] {
			var slots any
			if resource == "egvs" {
				slots = d.filled()
			}
			b.row(participant, resource, timeOf(day), d.records, slots, timeOf(d.first), timeOf(d.last))
		}
	}
	fresh := b.batch()
	defer fresh.Release()
	if c, _ := s.replacement(t, held, []piece{{rows: fresh}}); c.adds != nil || c.drops != nil {
		c.participant = participant
		s.edit(daysTable, partition, c)
	}
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

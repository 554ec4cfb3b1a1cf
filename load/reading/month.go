package reading

import (
	"slices"
	"sort"
	"time"
)

// The readings of a month are those in the records of it and of its neighbours. As a
// rule they are the same in the records of years, which are derived once; where that
// is not sure, a month is derived on its own.

// A Month is a UTC month by its first instant and that of the next one, in
// microseconds since 1970.
type Month struct{ From, To int64 }

// beside are the month before m and the one after it.
func (m Month) beside() (before, after Month) {
	first := time.UnixMicro(m.From).UTC()
	return Month{first.AddDate(0, -1, 0).UnixMicro(), m.From}, Month{m.To, first.AddDate(0, 2, 0).UnixMicro()}
}

// Months are the readings of some months.
type Months struct {
	all *derived
	who Person
}

// InMonths derives the readings in records, which it sorts by time and id.
func InMonths(records []Record, who Person) Months {
	sortRecords(records)
	all := derive(records, who)
	all.lookAround()
	return Months{all, who}
}

// Of returns the records of a month and its readings, in order of time. The records
// must be all there are of it and its neighbours.
func (a Months) Of(m Month) ([]Record, []Reading) {
	from := a.all
	if !from.says(m) {
		before, after := m.beside()
		from = derive(from.between(before.From, after.To), a.who)
	}
	return a.all.between(m.From, m.To), from.readings[from.firstReading(m.From):from.firstReading(m.To)]
}

// between are the records from an instant on, before another one.
func (d *derived) between(from, to int64) []Record { return d.records[d.first(from):d.first(to)] }

// first is the place of the first record that is not before an instant.
func (d *derived) first(at int64) int {
	return sort.Search(len(d.records), func(i int) bool { return d.records[i].Time >= at })
}

// firstReading is first of readings.
func (d *derived) firstReading(at int64) int {
	return sort.Search(len(d.readings), func(i int) bool { return d.readings[i].Time >= at })
}

// says reports whether the readings of m are those that the records of m and its
// neighbours alone have. What lies beyond these has no say in which of two
// transmitters goes before the other (see precedence). It has none in anything else
// if no measurement lies on both sides of where the neighbours end, and m is firm
// on both sides.
func (d *derived) says(m Month) bool {
	before, after := m.beside()
	return (d.first(before.From) == 0 || !d.split(before.From) && d.firm(m.From, before.From+context, -1)) &&
		(d.first(after.To) == len(d.records) || !d.split(after.To) && d.firm(m.To, after.To-context, 1))
}

// lookAround finds the measurements that tell of others than their own day.
func (d *derived) lookAround() {
	day := func(place int32) int64 { return floorDiv(d.records[place].Time, microsPerDay) }
	for _, m := range d.all {
		if m.size > 1 && day(m.oldest) != day(m.newest) {
			d.wide = append(d.wide, m)
		}
		if m.near {
			d.beside = append(d.beside, m)
		}
	}
}

// split reports whether a measurement has records before the begin of a day, and not before.
func (d *derived) split(at int64) bool {
	place := int32(d.first(at))
	return slices.ContainsFunc(d.wide, func(m measurement) bool { return m.oldest < place && place <= m.newest })
}

const (
	firmValues = 48           // in a row; 26 would do
	context    = 900 * second // what is farther away has no say in which grid a value keeps to
)

// firm reports whether the readings on one side of an instant depend on nothing that
// lies on the other side of a limit: step is the way to it. That is so if between the
// two, next to the instant, are a pause, or so many values that keep to one
// grid that the cheapest cuts (see Cadences) leave them in one piece whatever lies
// around; and a clock that is right; but no two transmitters near each other.
func (d *derived) firm(at, limit int64, step int) bool {
	i := d.firstReading(at) + min(step, 0)
	right, n, grid := d.home.zone == nil, 0, uint8(0)
	for ; 0 <= i && i < len(d.readings); i += step {
		r := &d.readings[i]
		if last := i - step; 0 <= last && last < len(d.readings) && (r.Time-d.readings[last].Time)*int64(step) > pause {
			return right && !d.near(at, d.readings[last].Time)
		}
		if (limit-r.Time)*int64(step) < 0 {
			return false
		}
		right = right || r.offset.OK && !d.home.off(r)
		if r.Value.OK {
			if n++; r.vote != grid {
				n, grid = 1, r.vote
			}
		}
		if n >= firmValues && right {
			return !d.near(at, r.Time)
		}
	}
	return false
}

// near reports whether two transmitters are near each other around the time between
// two instants.
func (d *derived) near(a, b int64) bool {
	from, to := min(a, b)-context, max(a, b)+context
	return slices.ContainsFunc(d.beside, func(m measurement) bool { return from <= m.time && m.time <= to })
}

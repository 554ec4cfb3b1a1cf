package load

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/reading"
)

// glucoseDaysTable has what adds up of glucose, so that metrics need not read it. A
// row is a function of the readings of its UTC day, and goes with them.
const glucoseDaysTable = "glucose_days"

const minuteMicros = int64(time.Minute / time.Microsecond)

// A dayGroup is what the readings of a day have in common that are in one row.
type dayGroup struct {
	date     reading.Maybe[int32]
	excluded string
	cadence  int16
}

// A dayRow is a row of glucose_days.
type dayRow struct {
	dayGroup
	readings, overlap, suspect        int64
	values, sum, squares              int64
	lowStatus, highStatus             int64
	first, last                       int   // places of values; absent: there is none
	slots, slot                       int64 // slot: of the last value; absent: there is none
	linked, linkedUS, wideUS, wideMin int64
	glucose, counts                   []int16
}

// A glucoseDay makes the rows of one UTC day after the other.
type glucoseDay struct {
	begin    int64
	readings []reading.Reading
	rows     []dayRow
	row      []int          // of each reading
	before   int            // place of the last value that counts; absent: there is none
	found    [1 << 16]int16 // how often a value is in a row, for every value that there could be; else 0
}

// glucoseDayRows are the rows of glucose_days of a participant's readings, which are in
// order of time and all that there are of their days. The caller releases them.
func (s *step) glucoseDayRows(participant string, readings []reading.Reading) arrow.RecordBatch {
	b := newRows(s.loader.Mem, glucoseDaysTable)
	d := new(glucoseDay)
	for len(readings) > 0 {
		d.begin = int64(midnight(arrow.Timestamp(readings[0].Time)))
		n := 1
		for n < len(readings) && readings[n].Time < d.begin+dayLength.Microseconds() {
			n++
		}
		d.readings, readings = readings[:n], readings[n:]
		d.add()
		for i := range d.rows {
			d.addTo(b, participant, &d.rows[i])
		}
	}
	return b.batch()
}

// addTo adds a row to those of a table.
func (d *glucoseDay) addTo(b *rows, participant string, r *dayRow) {
	var date day
	if r.date.OK {
		date = day(arrow.Date32(r.date.V).ToTime())
	}
	firstUTC, firstLocal := d.timesAt(r.first)
	lastUTC, lastLocal := d.timesAt(r.last)
	b.row(participant, timeOf(arrow.Timestamp(d.begin)), date, r.excluded, r.cadence, r.readings, r.values, r.sum, r.squares, r.glucose, r.counts,
		r.lowStatus, r.highStatus, r.overlap, r.suspect, r.slots, firstUTC, lastUTC, firstLocal, lastLocal,
		r.linked, r.linkedUS, r.wideUS, r.wideMin)
}

// timesAt are the instant of a reading and its wall clock; zero: there is none.
func (d *glucoseDay) timesAt(place int) (utc, local time.Time) {
	if place == absent {
		return utc, local
	}
	r := &d.readings[place]
	if r.Local.OK {
		local = timeOf(arrow.Timestamp(r.Local.V))
	}
	return timeOf(arrow.Timestamp(r.Time)), local
}

// add makes the rows of the readings of a day.
func (d *glucoseDay) add() {
	d.rows, d.row, d.before = d.rows[:0], d.row[:0], absent
	for i := range d.readings {
		r := &d.readings[i]
		at := d.rowOf(r)
		d.row = append(d.row, at)
		row := &d.rows[at]
		row.readings++
		row.overlap += int64(bit(r.Overlap))
		row.suspect += int64(bit(r.ClockSuspect))
		if r.Value.OK {
			d.fill(row, r)
			row.add(r, i)
			if r.Excluded == "" {
				d.link(row, i)
			}
		}
	}
	for at := range d.rows {
		d.countValues(at)
	}
}

// rowOf is the place of the row that a reading is in. Most are in that of the one before.
func (d *glucoseDay) rowOf(r *reading.Reading) int {
	group := dayGroup{r.LocalDate, r.Excluded, r.Cadence}
	for at := len(d.rows) - 1; at >= 0; at-- {
		if d.rows[at].dayGroup == group {
			return at
		}
	}
	d.rows = append(d.rows, dayRow{dayGroup: group, first: absent, last: absent, slot: absent})
	return len(d.rows) - 1
}

// add adds the value of a reading.
func (r *dayRow) add(of *reading.Reading, place int) {
	value := int64(of.Value.V)
	r.values++
	r.sum += value
	r.squares += value * value
	if of.ValueFrom == "status" {
		r.lowStatus += int64(bit(value == reading.Lowest))
		r.highStatus += int64(bit(value == reading.Highest))
	}
	if r.first == absent {
		r.first = place
	}
	r.last = place
}

// fill counts the slot in which a value lies, unless an earlier value of a row that
// differs in nothing but the date lies in it.
func (d *glucoseDay) fill(row *dayRow, r *reading.Reading) {
	slot := (r.Time - d.begin) / (int64(r.Cadence) * minuteMicros)
	filled := false
	for i := range d.rows {
		other := &d.rows[i]
		filled = filled || other.slot == slot && other.cadence == row.cadence && other.excluded == row.excluded
	}
	row.slot = slot
	row.slots += int64(bit(!filled))
}

// link measures the gap between a value that counts and the one before it. It is wide
// if in minutes, halves being rounded to even ones, it is longer than both cadences.
func (d *glucoseDay) link(row *dayRow, place int) {
	if d.before != absent {
		r, before := &d.readings[place], &d.readings[d.before]
		gap, cadence := r.Time-before.Time, int64(max(r.Cadence, before.Cadence))
		row.linked++
		row.linkedUS += gap
		if over := 2*gap - (2*cadence+1)*minuteMicros; over > 0 || over == 0 && cadence%2 == 1 {
			row.wideUS += gap
			row.wideMin += cadence
		}
	}
	d.before = place
}

// countValues lists the values of a row.
func (d *glucoseDay) countValues(at int) {
	row, least, most := &d.rows[at], math.MaxInt16, math.MinInt16
	for i := range d.readings {
		if value := d.readings[i].Value; value.OK && d.row[i] == at {
			n := &d.found[uint16(value.V)]
			*n = min(*n, math.MaxInt16-1) + 1
			least, most = min(least, int(value.V)), max(most, int(value.V))
		}
	}
	for value := least; value <= most; value++ {
		if n := &d.found[uint16(value)]; *n > 0 {
			row.glucose, row.counts = append(row.glucose, int16(value)), append(row.counts, *n)
			*n = 0
		}
	}
}

package reading

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// A Record is one present record of egvs. Times are microseconds since 1970;
// Display is a wall clock and counts as if it were UTC. Empty text is null.
type Record struct {
	ID          string
	Time        int64 // system time
	Display     Maybe[int64]
	OffsetMin   Maybe[int16]
	OffsetFrom  string // sent, derived, unknown
	Transmitter string
	Ticks       int64 // seconds since the transmitter was started; 0 is unknown
	Device      string
	App         string
	Value       Maybe[int16] // mg/dL
	Status      string
	Trend       string
	Rate        Maybe[float64] // mg/dL/min
}

// Maybe is a value or null.
type Maybe[T any] struct {
	V  T
	OK bool
}

// Some returns v as a Maybe that is not null.
func Some[T any](v T) Maybe[T] { return Maybe[T]{v, true} }

// A Person is what the roster says about the participant.
type Person struct {
	Zone   *time.Location // nil: none given
	Anchor Maybe[int32]   // anchor_date in days since 1970; study day 1
}

// A Reading is one row of glucose without its participant. Units are those of
// Record; LocalDate is in days since 1970.
type Reading struct {
	Time         int64
	Local        Maybe[int64]
	LocalDate    Maybe[int32]
	LocalFrom    string // sent, derived, roster, unknown
	StudyDay     Maybe[int32]
	Value        Maybe[int16]
	ValueFrom    string // value, status, implausible (what was sent is no glucose); empty: none was sent
	Status       string
	Trend        string
	Rate         Maybe[float64]
	Transmitter  string
	Sources      int16
	Overlap      bool
	ClockSuspect bool
	Cadence      int16        // minutes of the grid it keeps to: 1, 5 or 15
	Ahead        Maybe[int64] // of its wall clock, against the roster's zone
	Conflicts    int32        // records left out that have the same time and another value

	offset Maybe[int16] // minutes, as the record has it
}

// Readings returns the readings in records, one per moment, in order of time.
// It sorts records by time and id.
func Readings(records []Record, who Person) []Reading {
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	names, transmitter := transmitterNames(records)
	counted := counting(measurements(records, transmitter), names, records)
	readings := make([]Reading, len(counted))
	for i := range counted {
		readings[i] = counted[i].reading(&records[counted[i].chosen], who)
	}
	suspectClocks(readings, who.Zone)
	setCadences(readings)
	return readings
}

func (m *measurement) reading(c *Record, who Person) Reading {
	r := Reading{
		Time: c.Time, Status: c.Status, Trend: c.Trend, Rate: c.Rate, Transmitter: c.Transmitter,
		Sources: int16(min(m.size, math.MaxInt16)), Overlap: m.near, Conflicts: m.conflicts, offset: c.OffsetMin,
	}
	r.Value, r.ValueFrom = value(c)
	r.Local, r.LocalFrom = local(c, who.Zone)
	r.Ahead = ahead(c, who.Zone)
	if r.Local.OK {
		r.LocalDate = Some(int32(floorDiv(r.Local.V, microsPerDay)))
		r.StudyDay = studyDay(r.LocalDate.V, who.Anchor)
	}
	return r
}

// setCadences says of every reading to which grid it keeps. One without a value
// keeps to that of the reading before it in its run, or after it.
func setCadences(readings []Reading) {
	times := make([]int64, 0, len(readings))
	for i := range readings {
		if readings[i].Value.OK {
			times = append(times, readings[i].Time)
		}
	}
	cadences := Cadences(times)
	for i := range readings {
		r := &readings[i]
		switch {
		case r.Value.OK:
			r.Cadence, cadences = cadences[0], cadences[1:]
		case i > 0 && r.Time-readings[i-1].Time <= pause:
			r.Cadence = readings[i-1].Cadence
		}
	}
	for i := len(readings) - 1; i >= 0; i-- {
		r := &readings[i]
		switch {
		case r.Cadence != 0:
		case i+1 < len(readings) && readings[i+1].Time-r.Time <= pause:
			r.Cadence = readings[i+1].Cadence
		default:
			r.Cadence = grids[0]
		}
	}
}

// The API says "below 40" and "above 400" with 39 and 401. What lies beyond is a
// code or an error.
const lowest, highest = 39, 401

// value is what r counts as, and how it says so. A status beside a null value
// says "below 40" or "above 400", too.
func value(r *Record) (Maybe[int16], string) {
	switch {
	case r.Value.OK && (r.Value.V < lowest || r.Value.V > highest):
		return Maybe[int16]{}, "implausible"
	case r.Value.OK:
		return r.Value, "value"
	case strings.EqualFold(r.Status, "low"):
		return Some(int16(lowest)), "status"
	case strings.EqualFold(r.Status, "high"):
		return Some(int16(highest)), "status"
	}
	return Maybe[int16]{}, ""
}

func hasValue(r *Record) bool {
	v, _ := value(r)
	return v.OK
}

package reading

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// A Record is one present record of egvs. Times are microseconds since 1970;
// Display is a wall clock and counts as if it were UTC.
type Record struct {
	ID          string
	Transmitter string // empty is null
	Time        int64  // system time
	Ticks       int64  // seconds since the transmitter was started; 0 is unknown
	Display     Maybe[int64]
	OffsetMin   Maybe[int16]
	Value       Maybe[int16] // mg/dL
	OffsetFrom  Offset
	Status      Status
	Device      Device
	Place       int32 // the caller's, who finds the record again by it
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

	Excluded []Interval // of the wall clock, that metrics leave out; as Merged returns them
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
	Excluded     string // exclusion, implausible, no_value: metrics leave it out; empty: they count it
	Transmitter  string
	Sources      int16
	Overlap      bool
	ClockSuspect bool
	Cadence      int16        // minutes of the grid it keeps to: 1, 5 or 15
	Ahead        Maybe[int64] // of its wall clock, against the roster's zone
	Conflicts    int32        // records left out that have the same time and another value
	Place        int32        // of the record that stands for it

	offset Maybe[int16] // minutes, as the record has it
	vote   uint8        // the grid that it keeps to itself, of one with a value in a run that is long enough
}

// Readings returns the readings in records, one per moment, in order of time.
// It sorts records by time and id.
func Readings(records []Record, who Person) []Reading {
	sortRecords(records)
	return derive(records, who).readings
}

func sortRecords(records []Record) {
	slices.SortFunc(records, func(a, b Record) int {
		if a.Time != b.Time {
			return cmp.Compare(a.Time, b.Time)
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// derived are the readings in records, and how they came about.
type derived struct {
	records  []Record // in order of time and id
	all      []measurement
	readings []Reading
	home     clock

	wide   []measurement // of records of more than one day
	beside []measurement // near one of another transmitter
}

func derive(records []Record, who Person) *derived {
	d := &derived{records: records, home: clock{zone: who.Zone}}
	names, transmitter := transmitterNames(records)
	d.all = measurements(records, transmitter)
	counted := counting(d.all, names, records)
	d.readings = make([]Reading, len(counted))
	for i, m := range counted {
		d.all[m].tell(&d.readings[i], &records[d.all[m].chosen], &d.home, who.Anchor)
		d.readings[i].Excluded = excluded(&d.readings[i], who.Excluded)
	}
	suspectClocks(d.readings, &d.home)
	setCadences(d.readings)
	return d
}

// tell makes r the reading of m, for which c stands.
func (m *measurement) tell(r *Reading, c *Record, home *clock, anchor Maybe[int32]) {
	r.Time, r.Transmitter, r.Place, r.offset = c.Time, c.Transmitter, c.Place, c.OffsetMin
	r.Sources, r.Overlap, r.Conflicts = int16(min(m.size, math.MaxInt16)), m.near, m.conflicts
	r.Value, r.ValueFrom = value(c)
	r.Local, r.LocalFrom = local(c, home)
	r.Ahead = ahead(c, home)
	if r.Local.OK {
		r.LocalDate = Some(int32(floorDiv(r.Local.V, microsPerDay)))
		r.StudyDay = studyDay(r.LocalDate.V, anchor)
	}
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
	cadences, votes := cadencesOf(times)
	for i := range readings {
		r := &readings[i]
		switch {
		case r.Value.OK:
			r.Cadence, cadences = cadences[0], cadences[1:]
			r.vote, votes = votes[0], votes[1:]
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

// Lowest and Highest are the values by which the API says "below 40" and "above 400".
// What lies beyond is a code or an error.
const (
	Lowest, Highest = 39, 401

	implausible = "implausible"
)

// value is what r counts as, and how it says so. A status beside a null value
// says "below 40" or "above 400", too.
func value(r *Record) (Maybe[int16], string) {
	switch {
	case r.Value.OK && (r.Value.V < Lowest || r.Value.V > Highest):
		return Maybe[int16]{}, implausible
	case r.Value.OK:
		return r.Value, "value"
	case r.Status == Low:
		return Some(int16(Lowest)), "status"
	case r.Status == High:
		return Some(int16(Highest)), "status"
	}
	return Maybe[int16]{}, ""
}

func hasValue(r *Record) bool {
	if r.Value.OK {
		return r.Value.V >= Lowest && r.Value.V <= Highest
	}
	return r.Status != NoStatus
}

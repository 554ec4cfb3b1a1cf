package reading

import (
	"cmp"
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
	ValueFrom    string // value, status; empty: no value
	Status       string
	Trend        string
	Rate         Maybe[float64]
	Transmitter  string
	Sources      int16
	Overlap      bool
	ClockSuspect bool
	Conflicts    int16 // readings left out: the same time, another value
}

// Readings returns the readings in records, one per moment, in order of time.
// It sorts records by time and id.
func Readings(records []Record, who Person) []Reading {
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	groups := leaders(merge(records), transmitters(records))
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.chosen.Time, b.chosen.Time), prefer(a.chosen, b.chosen))
	})
	groups = onePerMoment(groups)
	suspects := clockSuspects(groups, who.Zone)
	readings := make([]Reading, len(groups))
	for i, g := range groups {
		readings[i] = g.reading(who)
		readings[i].ClockSuspect = suspects[i]
	}
	return readings
}

// onePerMoment keeps the first of the groups with one time, which is the
// preferred one. The others differ in value, or they had been merged.
func onePerMoment(groups []*group) []*group {
	kept := groups[:0]
	for _, g := range groups {
		if n := len(kept); n > 0 && kept[n-1].chosen.Time == g.chosen.Time {
			kept[n-1].conflicts++
		} else {
			kept = append(kept, g)
		}
	}
	return kept
}

func (g *group) reading(who Person) Reading {
	c := g.chosen
	r := Reading{
		Time: c.Time, Status: c.Status, Trend: c.Trend, Rate: c.Rate, Transmitter: c.Transmitter,
		Sources: g.size, Overlap: g.overlap, Conflicts: g.conflicts,
	}
	r.Value, r.ValueFrom = value(c)
	r.Local, r.LocalFrom = local(c, who.Zone)
	if r.Local.OK {
		r.LocalDate = Some(int32(floorDiv(r.Local.V, microsPerDay)))
		r.StudyDay = studyDay(r.LocalDate.V, who.Anchor)
	}
	return r
}

// value is what r counts as: the API says "below 40" and "above 400" with 39
// and 401, or with a status beside a null value.
func value(r *Record) (Maybe[int16], string) {
	switch {
	case r.Value.OK:
		return r.Value, "value"
	case strings.EqualFold(r.Status, "low"):
		return Some(int16(39)), "status"
	case strings.EqualFold(r.Status, "high"):
		return Some(int16(401)), "status"
	}
	return Maybe[int16]{}, ""
}

// prefer orders records by which one stands for a reading, best first.
func prefer(a, b *Record) int {
	return cmp.Or(cmp.Compare(rank(a.Device), rank(b.Device)), cmp.Compare(a.ID, b.ID))
}

func rank(device string) int {
	if strings.EqualFold(device, "iOS") || strings.EqualFold(device, "android") {
		return 0
	}
	return 1
}

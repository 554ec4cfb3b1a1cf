package reading

import (
	"math"
	"time"
)

const (
	suspectOffset = 120                // minutes from the roster's zone that need an explanation
	travel        = 24 * 3600 * second // from here on the explanation is a journey
)

// local is the wall clock of r and where it comes from.
func local(r *Record, home *clock) (Maybe[int64], string) {
	if r.Display.OK && r.OffsetFrom != NoOffset {
		return r.Display, r.OffsetFrom.String()
	}
	if home.zone == nil {
		return Maybe[int64]{}, "unknown"
	}
	return Some(r.Time + home.offset(r.Time)*second), "roster"
}

// A clock shows the time of a zone, and remembers until when it is set right.
type clock struct {
	zone     *time.Location // nil: none given
	from, to int64          // in which it is ahead of UTC by seconds
	ahead    int64
}

// offset is how many seconds the zone is ahead of UTC at an instant.
func (c *clock) offset(micros int64) int64 {
	if c.from <= micros && micros < c.to {
		return c.ahead
	}
	t := time.UnixMicro(micros).In(c.zone)
	_, seconds := t.Zone()
	c.ahead, c.from, c.to = int64(seconds), math.MinInt64, math.MaxInt64
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		c.from = start.UnixMicro()
	}
	if !end.IsZero() {
		c.to = end.UnixMicro()
	}
	return c.ahead
}

// studyDay counts from the anchor date, which is day 1; the day before is -1.
func studyDay(date int32, anchor Maybe[int32]) Maybe[int32] {
	if !anchor.OK {
		return Maybe[int32]{}
	}
	day := date - anchor.V
	if day >= 0 {
		day++
	}
	return Some(day)
}

// ahead is how far the wall clock of r is ahead of the zone's: null without one of
// them. An offset that no place on earth has is a clock that is days off. A wall
// clock that equals the system time and has no offset says nothing.
func ahead(r *Record, home *clock) Maybe[int64] {
	if home.zone == nil || !r.Display.OK || r.OffsetFrom == NoOffset && r.Display.V == r.Time {
		return Maybe[int64]{}
	}
	return Some(r.Display.V - r.Time - home.offset(r.Time)*second)
}

// off reports whether the offset of r, which it has, is far from the zone's.
func (c *clock) off(r *Reading) bool {
	off := int64(r.offset.V) - c.offset(r.Time)/60
	return off > suspectOffset || off < -suspectOffset
}

// suspectClocks marks the readings whose offset is far from the roster's zone
// for less than a day. Readings without an offset neither begin nor end such a
// stretch.
func suspectClocks(readings []Reading, home *clock) {
	if home.zone == nil {
		return
	}
	var run []int
	closeRun := func() {
		if len(run) > 0 && readings[run[len(run)-1]].Time-readings[run[0]].Time < travel {
			for _, i := range run {
				readings[i].ClockSuspect = true
			}
		}
		run = run[:0]
	}
	for i := range readings {
		r := &readings[i]
		if !r.offset.OK {
			continue
		}
		if home.off(r) {
			run = append(run, i)
		} else {
			closeRun()
		}
	}
	closeRun()
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

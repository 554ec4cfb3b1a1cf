package reading

import "time"

const (
	suspectOffset = 120                // minutes from the roster's zone that need an explanation
	travel        = 24 * 3600 * second // from here on the explanation is a journey
)

// local is the wall clock of r and where it comes from.
func local(r *Record, zone *time.Location) (Maybe[int64], string) {
	if r.Display.OK && (r.OffsetFrom == "sent" || r.OffsetFrom == "derived") {
		return r.Display, r.OffsetFrom
	}
	if zone == nil {
		return Maybe[int64]{}, "unknown"
	}
	return Some(r.Time + zoneOffset(r.Time, zone)*second), "roster"
}

// zoneOffset is how many seconds zone is ahead of UTC at an instant.
func zoneOffset(micros int64, zone *time.Location) int64 {
	_, seconds := time.UnixMicro(micros).In(zone).Zone()
	return int64(seconds)
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
func ahead(r *Record, zone *time.Location) Maybe[int64] {
	if zone == nil || !r.Display.OK || r.OffsetFrom == "unknown" && r.Display.V == r.Time {
		return Maybe[int64]{}
	}
	return Some(r.Display.V - r.Time - zoneOffset(r.Time, zone)*second)
}

// suspectClocks marks the readings whose offset is far from the roster's zone
// for less than a day. Readings without an offset neither begin nor end such a
// stretch.
func suspectClocks(readings []Reading, zone *time.Location) {
	if zone == nil {
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
		off := int64(r.offset.V) - zoneOffset(r.Time, zone)/60
		if off > suspectOffset || off < -suspectOffset {
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

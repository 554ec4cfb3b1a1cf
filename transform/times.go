package transform

import (
	"math"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Where utc_offset_min comes from.
var (
	offsetSent    = []byte("sent")
	offsetDerived = []byte("derived")
	offsetUnknown = []byte("unknown")
)

// earliest is before any Dexcom device that this API knows; a system time
// before it is a clock that was never set.
var earliest = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// systemTime is the instant of a record by its device's clock, unless that
// clock cannot be right: its month would become a partition.
func (w *applier) systemTime(t dexcom.Time) (time.Time, *reject) {
	const field = "systemTime"
	if !t.Valid {
		return time.Time{}, &reject{NoSystemTime, field}
	}
	at := t.UTC()
	if at.Before(earliest) || at.After(w.latest) {
		return time.Time{}, &reject{ImplausibleTime, field}
	}
	w.precise(field, t)
	return at, nil
}

// precise keeps a time as sent if its column, of whole microseconds, cuts it.
func (w *applier) precise(field string, t dexcom.Time) {
	w.extra.sentEmpty(field, t.Text)
	if t.Wall.Nanosecond()%1000 != 0 {
		w.extra.sent(field, t.Text)
	}
}

// offset is how many minutes the display time is ahead of UTC, and how we
// know. A display time that equals the system time and has no offset says
// nothing: a receiver without a notion of local time sends that, too.
func offset(system time.Time, display dexcom.Time) (maybe[int16], []byte) {
	switch {
	case !display.Valid:
		return maybe[int16]{}, offsetUnknown
	case display.Zoned:
		minutes := math.Round(float64(display.Offset) / 60)
		if !plausible(minutes) {
			return maybe[int16]{}, offsetUnknown
		}
		return some(int16(minutes)), offsetSent
	case display.Wall.Equal(system):
		return maybe[int16]{}, offsetUnknown
	}
	minutes := quarters(system, display)
	if !plausible(minutes) {
		return maybe[int16]{}, offsetUnknown
	}
	return some(int16(minutes)), offsetDerived
}

// displayTime keeps of a display time what its column and that of its offset
// lose.
func (w *applier) displayTime(t dexcom.Time, offset maybe[int16]) {
	if t.Zoned && (!offset.ok || int(offset.value)*60 != t.Offset) {
		w.extra.sent("displayTime", t.Text)
		return
	}
	w.precise("displayTime", t)
}

// quarters is how many minutes display is ahead of system, to the quarter of
// an hour: zones differ by that much, the rest is drift.
func quarters(system time.Time, display dexcom.Time) float64 {
	return 15 * math.Round(display.Wall.Sub(system).Minutes()/15)
}

// pair keeps of a pair of times what its two columns lose. They have no column
// for the offset beside them, so it stays as sent unless they say it, too.
func (w *applier) pair(systemField string, system dexcom.Time, displayField string, display dexcom.Time) {
	w.precise(systemField, system)
	if display.Zoned && !(system.Valid && quarters(system.UTC(), display)*60 == float64(display.Offset)) {
		w.extra.sent(displayField, display.Text)
		return
	}
	w.precise(displayField, display)
}

// plausible reports whether minutes east of UTC is an offset that some place
// on earth has.
func plausible(minutes float64) bool { return minutes >= -12*60 && minutes <= 14*60 }

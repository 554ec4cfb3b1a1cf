package dexsim

import (
	"strconv"
	"time"
)

// Instants are milliseconds since 1970 UTC throughout the package: small,
// comparable, and fine enough for every time Dexcom sends.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

func wholeSecond(ms int64) int64 { return ms - ms%second }

func utc(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// A zoneStyle says how a record writes the zone of its two times.
type zoneStyle uint8

const (
	mobileZone  zoneStyle = iota // systemTime Z, displayTime with its offset
	noZone                       // neither: receivers
	offsetZone                   // both with offset, systemTime +00:00
	receiverZed                  // both Z, as in one of Dexcom's samples
)

// wire is how a record is written, as against what it says.
type wire struct {
	zone        zoneStyle
	noSeconds   bool // the instants are whole minutes
	textNumbers bool // numbers as text
	omitNull    bool // leave null fields out
	blank       bool // an empty transmitterId or unit is "", not null
	numberValue bool // event value as a number
	bad         badKind
}

// A badKind is a way in which a record cannot be read.
type badKind uint8

const (
	readable     badKind = iota
	badTime              // systemTime is no time
	missingTime          // systemTime is missing
	notAnObject          // the record is a string
	badKindCount = 3
)

// times writes systemTime at and displayTime at + offset (seconds).
func (w *writer) times(at int64, offset int, how wire) {
	switch how.bad {
	case badTime:
		w.text("systemTime", "someday")
		w.text("displayTime", "someday")
	case missingTime:
		_, zone := how.zones(offset)
		w.time("displayTime", at+int64(offset)*second, zone, how.noSeconds)
	default:
		w.clock("systemTime", "displayTime", at, offset, how)
	}
}

// clock writes an instant and the wall clock offset seconds ahead of it.
func (w *writer) clock(system, display string, at int64, offset int, how wire) {
	zone, shown := how.zones(offset)
	w.time(system, at, zone, how.noSeconds)
	w.time(display, at+int64(offset)*second, shown, how.noSeconds)
}

// zones are what follows systemTime and displayTime.
func (how wire) zones(offset int) (system, display string) {
	switch how.zone {
	case mobileZone:
		return "Z", offsetText(offset)
	case offsetZone:
		return "+00:00", offsetText(offset)
	case receiverZed:
		return "Z", "Z"
	}
	return "", ""
}

// time writes ms as a wall clock followed by zone.
func (w *writer) time(name string, ms int64, zone string, noSeconds bool) {
	w.key(name)
	w.b = append(w.b, '"')
	w.b = appendClock(w.b, ms, noSeconds)
	w.b = append(append(w.b, zone...), '"')
}

// appendClock appends ms as YYYY-MM-DDThh:mm[:ss[.fff]]; the fraction only
// where there is one, without trailing zeros.
func appendClock(b []byte, ms int64, noSeconds bool) []byte {
	if noSeconds {
		return utc(ms).AppendFormat(b, "2006-01-02T15:04")
	}
	return utc(ms).AppendFormat(b, "2006-01-02T15:04:05.999")
}

// offsetText writes seconds ahead of UTC as ±hh:mm, with :ss where needed.
func offsetText(seconds int) string {
	b := []byte{'+'}
	if seconds < 0 {
		b[0], seconds = '-', -seconds
	}
	b = appendTwo(b, seconds/3600)
	b = appendTwo(append(b, ':'), seconds/60%60)
	if s := seconds % 60; s != 0 {
		b = appendTwo(append(b, ':'), s)
	}
	return string(b)
}

func appendTwo(b []byte, n int) []byte {
	if n < 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(n), 10)
}

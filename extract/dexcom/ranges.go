package dexcom

import (
	"errors"
	"fmt"
	"time"
)

// Ranges are what a dataRange answer says the API holds; a nil Range says
// nothing of that kind.
type Ranges struct {
	UserID                     string // Dexcom's, empty if it was not sent: never log it
	EGVs, Events, Calibrations *Range
}

// A Range is the system time (UTC) of the oldest and the newest record, which
// may be the same. One that was sent the wrong way round, as when the newest record
// is of a clock that was set back, is put in order.
type Range struct{ Start, End time.Time }

// ParseRanges reads a plain dataRange body. Errors are *BodyError. A range
// that is null, absent or without any time is nil; half a range is an error,
// because taking it for none would lose data.
func ParseRanges(plain []byte) (Ranges, error) {
	var e Envelope
	return parseRanges(plain, &e)
}

func parseRanges(plain []byte, e *Envelope) (Ranges, error) {
	var wire wireRanges
	p := page{Envelope: e, want: DataRange, ranges: &wire}
	if err := p.read(newReader(plain)); err != nil {
		return Ranges{}, err
	}
	ranges := Ranges{UserID: e.UserID.String()}
	for _, one := range []struct {
		resource Resource
		wire     wireRange
		to       **Range
	}{
		{EGVs, wire.egvs, &ranges.EGVs},
		{Events, wire.events, &ranges.Events},
		{Calibrations, wire.calibrations, &ranges.Calibrations},
	} {
		var err error
		if *one.to, err = one.wire.parsed(); err != nil {
			return Ranges{}, &BodyError{Path: DataRange.path(), Reason: fmt.Sprintf("has the wrong envelope: %s", one.resource), Err: err}
		}
	}
	return ranges, nil
}

type wireRanges struct{ egvs, events, calibrations wireRange }

type wireRange struct {
	start, end wireMoment
	Extras
}

func (w *wireRange) fields() fields { return rangeWindow.fields(w) }

func (w *wireRange) parsed() (*Range, error) {
	start, end := w.start.system, w.end.system
	switch {
	case !start.Valid && !end.Valid:
		return nil, nil
	case !start.Valid || !end.Valid:
		return nil, errors.New("half a range")
	case end.UTC().Before(start.UTC()):
		start, end = end, start
	}
	return &Range{Start: start.UTC(), End: end.UTC()}, nil
}

// A wireMoment leaves displayTime out: nobody needs it, so it need not be
// readable.
type wireMoment struct {
	system Time
	Extras
}

func (w *wireMoment) fields() fields { return rangeMoment.fields(w) }

package cohort

import "time"

// An interval without a start begins in 2010, before which no device could have sent a
// record to the API; one without an end stands until 2200.
var (
	firstInstant = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	openEnd      = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// HistoryAll is the value of study.history that opens the start of the
// consented interval.
const HistoryAll = "all"

// Consented returns the interval of system time that may be requested, half-open: from the
// first instant of study_start to the end of study_end (inclusive; zero: open),
// as days of the participant's time zone, clipped to the interval in which the
// connection is the participant's (zero: open). With history "all" the start is
// 2010 whatever study_start says. Both ends are whole seconds, because the API knows no
// fractions: what is consented of a second at an end is not requested.
//
// Of studyStart and studyEnd only year, month and day count. A nil loc is UTC,
// and nothing is added to make up for the unknown zone: without one in the
// roster, days begin at midnight UTC.
//
// If nothing is consented, start and end are zero, and reason says why and what to do
// about it.
func Consented(studyStart, studyEnd time.Time, loc *time.Location, history string, validFrom, validTo time.Time) (start, end time.Time, reason string) {
	var none time.Time
	if loc == nil {
		loc = time.UTC
	}
	start, end = firstInstant, openEnd
	if history != HistoryAll {
		if studyStart.IsZero() {
			return none, none, "no study_start: add it to the roster and import that again, or set study.history: all if the consent covers what was recorded before"
		}
		if first := dayStart(studyStart, 0, loc); first.After(start) {
			start = first
		}
	}
	if !studyEnd.IsZero() {
		end = dayStart(studyEnd, 1, loc)
	}
	if !start.Before(end) {
		return none, none, "study_end is before study_start: correct the roster and import it again"
	}
	if validFrom.After(start) {
		start = validFrom.UTC().Add(time.Second - 1).Truncate(time.Second)
	}
	if !validTo.IsZero() && validTo.Before(end) {
		end = validTo.UTC().Truncate(time.Second)
	}
	if !start.Before(end) {
		return none, none, "the connection was the participant's only outside the study's dates: connect the participant again, or correct study_start and study_end in the roster"
	}
	return start, end, ""
}

// LocalDays returns the first instant of one day in loc and the end of another, of which
// only year, month and day count. A nil loc is UTC.
func LocalDays(from, to time.Time, loc *time.Location) (start, end time.Time) {
	if loc == nil {
		loc = time.UTC
	}
	return dayStart(from, 0, loc), dayStart(to, 1, loc)
}

// dayStart returns the first instant, in UTC, of the day that is days after
// date's in loc. Where clocks change at midnight that is not 00:00, or 00:00
// happens twice, and time.Date promises neither; so it is looked for in quarters
// of an hour, of which all offsets since 2010 are multiples.
func dayStart(date time.Time, days int, loc *time.Location) time.Time {
	year, month, day := date.Date()
	wall := time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC)
	t := time.Date(year, month, day+days, 0, 0, 0, 0, loc).Add(-3 * time.Hour)
	for localDate(t.In(loc)).Before(wall) {
		t = t.Add(15 * time.Minute)
	}
	return t.UTC()
}

// localDate returns midnight UTC of the calendar day that t shows.
func localDate(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

package cgmfile

import (
	"bytes"
	"time"
)

// An instant is a time as a file has it.
type instant struct {
	local     int64 // µs since 1970 by the wall clock
	offset    int32 // seconds by which the wall clock is ahead of UTC
	hasOffset bool
}

const (
	firstYear = 1970
	lastYear  = 2199
	second    = 1_000_000 // µs

	// furthestOffset is that of Kiribati, in seconds.
	furthestOffset = 14 * 3600
)

// parseTime reads YYYY-MM-DD[( |T)hh:mm[:ss[.fraction]]][offset]; / is read for
// -, and months, days and hours may lack their leading zero. A kind is what is
// wrong.
func parseTime(cell []byte) (at instant, wrong Kind) {
	if len(cell) == 0 {
		return at, NoTime
	}
	s := scanner{rest: cell}
	days, wrong := s.date()
	if wrong != "" {
		return at, wrong
	}
	clock := int64(0)
	if s.clockFollows() {
		if clock, wrong = s.clock(); wrong == "" {
			at.offset, at.hasOffset, wrong = s.offset()
		}
	}
	if wrong == "" && len(s.rest) > 0 {
		wrong = NotATime
	}
	at.local = days*86400*second + clock
	return at, wrong
}

// A scanner takes a time apart from the left.
type scanner struct{ rest []byte }

// number takes from least to most digits off.
func (s *scanner) number(least, most int) (n int, ok bool) {
	digits := 0
	for digits < min(most, len(s.rest)) && isDigit(s.rest[digits]) {
		n = 10*n + int(s.rest[digits]-'0')
		digits++
	}
	s.rest = s.rest[digits:]
	return n, digits >= least
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// take takes c off if it is there.
func (s *scanner) take(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// date takes a date off and returns its days since 1970.
func (s *scanner) date() (days int64, wrong Kind) {
	whole := s.rest
	year, ok := s.number(4, 4)
	separator := byte('-')
	if ok && len(s.rest) > 0 && s.rest[0] == '/' {
		separator = '/'
	}
	if !ok || !s.take(separator) {
		return 0, otherDate(whole)
	}
	month, hasMonth := s.number(1, 2)
	hasMonth = s.take(separator) && hasMonth
	dayOfMonth, hasDay := s.number(1, 2)
	day := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	switch {
	case !hasMonth || !hasDay:
		return 0, NotATime
	case year < firstYear || year > lastYear:
		return 0, YearOutOfRange
	case int(day.Month()) != month || day.Day() != dayOfMonth:
		return 0, NoSuchDay
	}
	return day.Unix() / 86400, ""
}

// otherDate says what is wrong with a date that does not begin with a year: how
// many digits its three numbers have tells.
func otherDate(text []byte) Kind {
	s := scanner{rest: text}
	var digits [3]int
	for i := range digits {
		before := len(s.rest)
		s.number(0, 6)
		digits[i] = before - len(s.rest)
		if i < 2 && !s.take('-') && !s.take('/') && !s.take('.') {
			return NotATime
		}
	}
	switch {
	case digits[0] > 4 || digits[0] == 3 || digits[2] > 4:
		return YearOutOfRange
	case digits[0] == 0 || digits[0] == 4 || digits[1] == 0 || digits[2] == 0:
		return NotATime
	case digits[2] == 4:
		return DayOrMonthFirst
	}
	return TwoDigitYear
}

// clockFollows takes the sign off that stands between date and clock.
func (s *scanner) clockFollows() bool {
	if s.take('T') || s.take('t') {
		return true
	}
	blank := false
	for s.take(' ') {
		blank = true
	}
	return blank
}

// clock takes hh:mm[:ss[.fraction]] off, in µs.
func (s *scanner) clock() (at int64, wrong Kind) {
	hour, ok := s.number(1, 2)
	ok = s.take(':') && ok
	minute, hasMinute := s.number(2, 2)
	sec, hasSecond, fraction := 0, true, 0
	if s.take(':') {
		if sec, hasSecond = s.number(2, 2); hasSecond && (s.take('.') || s.take(',')) {
			if fraction, wrong = s.fraction(); wrong != "" {
				return 0, wrong
			}
		}
	}
	switch {
	case !ok || !hasMinute || !hasSecond:
		return 0, NotATime
	case hour > 23 || minute > 59 || sec > 59:
		return 0, NoSuchTime
	}
	return int64(hour*3600+minute*60+sec)*second + int64(fraction), ""
}

// fraction takes the digits of a part of a second off, in µs.
func (s *scanner) fraction() (micros int, wrong Kind) {
	before := len(s.rest)
	micros, ok := s.number(1, 6)
	if !ok {
		return 0, NotATime
	}
	for range 6 - (before - len(s.rest)) {
		micros *= 10
	}
	s.rest = bytes.TrimLeft(s.rest, "0")
	if len(s.rest) > 0 && isDigit(s.rest[0]) {
		return 0, TooFine
	}
	return micros, ""
}

// offset takes Z, ±hh, ±hhmm, ±hh:mm or ±hh:mm:ss off, if there is one.
func (s *scanner) offset() (seconds int32, has bool, wrong Kind) {
	s.rest = bytes.TrimLeft(s.rest, " ")
	if s.take('Z') || s.take('z') {
		return 0, true, ""
	}
	sign := int32(1)
	switch {
	case s.take('-'):
		sign = -1
	case !s.take('+'):
		return 0, false, ""
	}
	hours, ok := s.number(2, 2)
	colon := s.take(':')
	minutes, sec, complete := 0, 0, true
	if colon || len(s.rest) > 0 {
		minutes, complete = s.number(2, 2)
	}
	if colon && s.take(':') {
		sec, ok = s.number(2, 2)
	}
	seconds = int32(hours*3600 + minutes*60 + sec)
	switch {
	case !ok || !complete:
		return 0, false, NotATime
	case minutes > 59 || sec > 59 || seconds > furthestOffset:
		return 0, false, NoSuchOffset
	}
	return sign * seconds, true, ""
}

package dexcom

import (
	"errors"
	"time"
)

// A Time is a time as the API sent it: a wall clock and, perhaps, its offset
// from UTC. The zero Time is one that was not sent.
type Time struct {
	Valid  bool      // a time was sent; false for none, null and empty text
	Wall   time.Time // what the clock showed, as if it were UTC
	Zoned  bool      // an offset was sent; Z is one, too
	Offset int       // seconds east of UTC; may have odd seconds, such as -06:59:58
	Text   Text      // exactly as sent
}

// UTC is the instant of t. A time sent without an offset is taken for UTC,
// which is right for system times and wrong for display times.
func (t Time) UTC() time.Time {
	if t.Offset == 0 {
		return t.Wall
	}
	return t.Wall.Add(-time.Duration(t.Offset) * time.Second)
}

var errTime = errors.New("not a time in any shape Dexcom sends")

// ParseTime reads a time in any shape seen: a date, T or a blank, a time of
// day without seconds, with them or with up to nine decimals, then Z, an offset
// with or without seconds, or nothing; months to seconds with one digit or two.
//
//	2025-01-30T15:49:55-08:00   2026-05-16T15:49:01.964Z   2021-06-01T01:10:08
//	2021-04-05T10:52:48-06:59:59   2021-02-03T14:15Z   2021-2-3 4:05:06.1
//
// It does not use time.Parse, which misreads offsets with seconds
// (golang/go issue 68263).
func ParseTime(text Text) (Time, error) {
	s := timeScanner{rest: text}
	c, ok := s.usual()
	if !ok {
		c = s.clock()
	}
	offset, zoned := s.offset()
	if s.failed || len(s.rest) > 0 || c.month < 1 || c.month > 12 || c.day < 1 || c.hour > 23 || c.minute > 59 || c.second > 59 {
		return Time{}, errTime
	}
	wall := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, c.nanos, time.UTC)
	if c.day > 28 && wall.Day() != c.day { // such as 30 February
		return Time{}, errTime
	}
	return Time{Valid: true, Wall: wall, Zoned: zoned, Offset: offset, Text: text}, nil
}

// A clock is a date and a time of day.
type clock struct{ year, month, day, hour, minute, second, nanos int }

// A timeScanner reads a time from left to right. Once it has failed it only
// goes on failing.
type timeScanner struct {
	rest   []byte
	failed bool
}

// usual reads what is spelt like 2006-01-02T15:04:05, with decimals or without, as
// nearly all times are. Of others it reads nothing.
func (s *timeScanner) usual() (c clock, ok bool) {
	b := s.rest
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return c, false
	}
	odd := 0 // below 0 once something was no digit
	two := func(i int) int {
		tens, ones := int(b[i])-'0', int(b[i+1])-'0'
		odd |= tens | ones | (9 - tens) | (9 - ones)
		return 10*tens + ones
	}
	c = clock{year: 100*two(0) + two(2), month: two(5), day: two(8), hour: two(11), minute: two(14), second: two(17)}
	if odd < 0 {
		return c, false
	}
	s.rest = b[19:]
	c.nanos = s.fraction()
	return c, true
}

// clock reads a date and a time of day in any shape.
func (s *timeScanner) clock() (c clock) {
	c.year = s.number(4, 4)
	s.must("-")
	c.month = s.number(1, 2)
	s.must("-")
	c.day = s.number(1, 2)
	s.must("Tt ")
	c.hour = s.number(1, 2)
	s.must(":")
	c.minute = s.number(1, 2)
	if s.one(":") {
		c.second = s.number(1, 2)
		c.nanos = s.fraction()
	}
	return c
}

// one skips the next byte if it is any of set.
func (s *timeScanner) one(set string) bool {
	for i := range len(set) {
		if len(s.rest) > 0 && s.rest[0] == set[i] {
			s.rest = s.rest[1:]
			return true
		}
	}
	return false
}

// must is one, or failure.
func (s *timeScanner) must(set string) {
	if !s.one(set) {
		s.failed = true
	}
}

// number reads a decimal number of least to most digits.
func (s *timeScanner) number(least, most int) int {
	n, digits := 0, 0
	for digits < most && digits < len(s.rest) && '0' <= s.rest[digits] && s.rest[digits] <= '9' {
		n = n*10 + int(s.rest[digits]-'0')
		digits++
	}
	if digits < least {
		s.failed = true
	}
	s.rest = s.rest[digits:]
	return n
}

// fraction reads the decimals of a second, in nanoseconds; zero if there are
// none. Dexcom once cut trailing zeros, so any number of digits may come.
func (s *timeScanner) fraction() int {
	if !s.one(".") {
		return 0
	}
	before := len(s.rest)
	n := s.number(1, 9)
	for digits := before - len(s.rest); digits < 9; digits++ {
		n *= 10
	}
	return n
}

// offset reads Z, or hours, hours and minutes, or hours, minutes and seconds
// east of UTC, with colons or without.
func (s *timeScanner) offset() (seconds int, zoned bool) {
	if s.one("Zz") {
		return 0, true
	}
	sign := 1
	switch {
	case s.one("-"):
		sign = -1
	case s.one("+"):
	default:
		return 0, false
	}
	hours, minutes := s.number(1, 2), 0
	if s.one(":") || len(s.rest) > 0 {
		minutes = s.number(2, 2)
	}
	if s.one(":") || len(s.rest) > 0 {
		seconds = s.number(2, 2)
	}
	if hours > 23 || minutes > 59 || seconds > 59 {
		s.failed = true
	}
	return sign * (hours*3600 + minutes*60 + seconds), true
}

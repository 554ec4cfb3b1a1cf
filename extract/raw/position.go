package raw

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A Position is a place between two entries: everything before it precedes
// everything after it. The zero Position is the start of the log. Its text
// form is segment:offset.
type Position struct {
	Segment uint64
	Offset  int64
}

// String returns the text form, which parsePosition reads.
func (p Position) String() string {
	return strconv.FormatUint(p.Segment, 10) + ":" + strconv.FormatInt(p.Offset, 10)
}

// parsePosition reads the text form of a Position.
func parsePosition(s string) (Position, error) {
	segment, offset, _ := strings.Cut(s, ":")
	var p Position
	var err error
	if p.Segment, err = strconv.ParseUint(segment, 10, 64); err != nil {
		return Position{}, fmt.Errorf("log position %q: want segment:offset", s)
	}
	if p.Offset, err = strconv.ParseInt(offset, 10, 64); err != nil || p.String() != s || p.Offset < 0 {
		return Position{}, fmt.Errorf("log position %q: want segment:offset", s)
	}
	return p, nil
}

// Compare returns -1, 0 or 1 as p is before, at or after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Segment, q.Segment), cmp.Compare(p.Offset, q.Offset))
}

// MarshalText returns the text form.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form.
func (p *Position) UnmarshalText(b []byte) (err error) {
	*p, err = parsePosition(string(b))
	return err
}

package study

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A TrailHead is where the audit trail of a study ended at some time: what is kept
// elsewhere to show later whether anything before it was rewritten.
type TrailHead struct {
	Lines int64
	Hash  string
	At    time.Time // of the last line
	Study string    // its id, or -
}

const headTime = "2006-01-02T15:04:05.000000Z"

// String is the head as one line, which parseHead reads.
func (h TrailHead) String() string {
	return fmt.Sprintf("%d %s %s %s", h.Lines, h.Hash, h.At.UTC().Format(headTime), h.Study)
}

func parseHead(text string) (h TrailHead, err error) {
	words := strings.Fields(text)
	if len(words) != 4 {
		return h, fmt.Errorf("%d words, and not the four of count, hash, time and study", len(words))
	}
	h.Hash, h.Study = words[1], words[3]
	if h.Lines, err = strconv.ParseInt(words[0], 10, 64); err != nil || h.Lines < 1 {
		return h, fmt.Errorf("%.40q is no count of lines", words[0])
	}
	if h.At, err = time.Parse(headTime, words[2]); err != nil {
		return h, fmt.Errorf("%.40q is no time of a line", words[2])
	}
	return h, nil
}

// ErrNoTrail says that the audit trail has no line yet.
var ErrNoTrail = errors.New("the audit trail has no line yet: there is nothing to keep")

// TrailHead is that of lines, which are all there are.
func (s *Study) TrailHead(lines []state.AuditLine) (TrailHead, error) {
	if len(lines) == 0 {
		return TrailHead{}, ErrNoTrail
	}
	last := lines[len(lines)-1]
	return TrailHead{last.Seq, last.Hash, last.At, s.auditName()}, nil
}

// auditName is what the study is called in a head.
func (s *Study) auditName() string { return cmp.Or(s.Config.Study.ID, "-") }

// A HeadError says what is wrong with a head that was kept elsewhere.
type HeadError struct {
	Unreadable bool // it is none
	Foreign    bool // of another study
	err        error
}

func (e *HeadError) Error() string { return e.err.Error() }

// CheckHead holds a head that was kept elsewhere against the trail, which are lines. Else
// the error is a *HeadError.
func (s *Study) CheckHead(text string, lines []state.AuditLine) error {
	kept, err := parseHead(text)
	if err != nil {
		return &HeadError{Unreadable: true, err: fmt.Errorf("--head: %w", err)}
	}
	if kept.Study != s.auditName() {
		return &HeadError{Foreign: true, err: fmt.Errorf("--head is of study %s, and this one is %s", kept.Study, s.auditName())}
	}
	there := slices.ContainsFunc(lines, func(l state.AuditLine) bool {
		return l.Seq == kept.Lines && l.Hash == kept.Hash && l.At.Equal(kept.At) && !l.Altered
	})
	if there {
		return nil
	}
	return &HeadError{err: fmt.Errorf("the audit trail did not have this end: its line %d is not the one of %s that was noted; it was rewritten or cut",
		kept.Lines, kept.At.UTC().Format(time.RFC3339))}
}

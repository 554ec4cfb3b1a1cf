package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// An AuditLine is a line of the audit trail.
type AuditLine struct {
	Seq                                  int64 // from 1, without gaps
	At                                   time.Time
	Who, Command, Subject, ParticipantID string
	Before, After                        string // JSON objects, "" for none
	Reason                               string
	Prev, Hash                           string // of the line before; of this one
	Altered                              bool   // the hash is of another text: what it says cannot be believed
	Erased                               bool   // what it said of somebody who was erased is gone
}

// An AuditFault is one thing wrong with the trail.
type AuditFault struct {
	Line   int // of the file, from 1; 0 for the file as a whole
	Reason string
}

// shownLines is how many faults an error names.
const shownLines = 20

// An AuditError says that the audit trail is damaged, cut, or not the one that
// was written.
type AuditError struct {
	Path    string
	Faults  []AuditFault // in the order of the file
	Refused bool         // a change was refused because of it
	Gap     bool         // all that is wrong: lines are missing, those that are there are as they were written
	Ahead   bool         // all that is wrong: the file goes on after the end that state.db knows
}

// Error names the first 20 faults, each on a line of its own.
func (e *AuditError) Error() string {
	var b strings.Builder
	for i, f := range e.Faults {
		if i == shownLines {
			fmt.Fprintf(&b, "\nand %d more", len(e.Faults)-shownLines)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Path)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		b.WriteString(": " + f.Reason)
	}
	return b.String()
}

// Trail returns the lines of the audit trail, oldest first, having appended
// those that a crash kept from the file. Anything wrong with the file is an
// *AuditError; what can be read is returned with it.
func (s *Store) Trail(ctx context.Context) ([]AuditLine, error) {
	text, head, err := s.readTrail(ctx)
	if err != nil {
		return nil, err
	}
	c := checked(text)
	c.end(len(text) > 0, head)
	if len(c.faults) > 0 {
		return c.lines, &AuditError{Path: s.auditPath(), Faults: c.faults, Ahead: c.ahead && len(c.faults) == 1, Gap: len(c.faults) == len(c.gaps)}
	}
	return c.lines, nil
}

// checking is the trail on its way through the check. What follows a fault is
// measured by what stands there, so that one fault is reported once.
type checking struct {
	lines  []AuditLine
	faults []AuditFault
	at     int    // number of the line in hand
	seq    int64  // of the last line that was intact
	prev   string // its hash; "" when lines that were not came after it
	broken int64  // how many of them
	gapped bool   // lines are missing before the one in hand
	ahead  bool   // the file goes on after the end that state.db knows
	passed int    // faults behind which a trail can go on: of the order of whole lines

	losses []Loss // that the trail speaks of itself
	gaps   []Loss // those that it does not speak of

	erased erasures
	left   map[string]*leftOver // by participant
}

func (c *checking) fault(reason string, args ...any) {
	c.faults = append(c.faults, AuditFault{c.at, fmt.Sprintf(reason, args...)})
}

func (c *checking) file(text []byte) {
	for line := range bytes.Lines(text) {
		c.at++
		plain, whole := bytes.CutSuffix(line, []byte{'\n'})
		l, intact, err := decodeLine(plain)
		erased := err == nil && whole && (c.erased.allow(l) || c.eraserLost(l))
		if erased {
			c.leave(l.ParticipantID, line)
		}
		if l.Altered = !intact && !erased; err == nil {
			c.lines = append(c.lines, l)
		}
		switch {
		case !whole:
			c.broke("is cut off")
		case err != nil:
			c.broke("is no line of an audit trail: altered or foreign")
		case l.Altered && l.blank():
			c.broke("is erased, and no line after it says so: that one is missing, or this one was altered")
		case l.Altered:
			c.broke("was altered: its hash is of another text")
		case l.Subject == ErasureSubject && !c.gapped && !c.left[l.ParticipantID].agrees(l.After):
			c.fault("says what was left of the lines about %s before it, and they are other ones", l.ParticipantID)
			c.follows(l)
		default:
			c.follows(l)
		}
	}
}

// leave notes what is left of an erased line.
func (c *checking) leave(participant string, line []byte) {
	if c.left[participant] == nil {
		c.left[participant] = &leftOver{digest: sha256.New()}
	}
	c.left[participant].lines++
	c.left[participant].digest.Write(line)
}

// broke notes a line of which nothing can be believed.
func (c *checking) broke(reason string) {
	c.fault("%s", reason)
	c.prev = ""
	c.broken++
}

// follows checks that an intact line is the next one.
func (c *checking) follows(l AuditLine) {
	switch {
	case l.Seq > c.seq+1+c.broken:
		c.missing(c.seq+1+c.broken, l)
	case l.Seq <= c.seq:
		c.fault("is line %d of the trail after line %d: put in, repeated, or out of order", l.Seq, c.seq)
		c.passed++
	case c.prev != "" && l.Prev != c.prev:
		c.fault("does not follow the line before it: one of the two was replaced")
	}
	c.seq, c.prev, c.broken = l.Seq, l.Hash, 0
}

// missing notes that lines up to l are, from a number on. Of those that are erased none can be
// counted any more.
func (c *checking) missing(from int64, l AuditLine) {
	c.gapped = true
	if c.isLost(from, l.Seq-1) {
		return
	}
	c.passed++
	c.gap(Loss{First: from, Last: l.Seq - 1, Hash: l.Prev}, "%s missing before it", span(from, l.Seq-1))
}

// gap is a fault that somebody may accept as a loss.
func (c *checking) gap(lost Loss, reason string, args ...any) {
	c.fault(reason, args...)
	c.gaps = append(c.gaps, lost)
}

// end compares the end of the file with the head in state.db.
func (c *checking) end(there bool, head auditHead) {
	last := c.at
	c.at = 0
	switch {
	case !there && head.seq > 0:
		c.gap(Loss{First: 1, Last: head.seq, Hash: head.hash}, "is missing or empty: state.db knows of %d lines", head.seq)
	case c.seq+c.broken < head.seq:
		from := c.seq + c.broken + 1
		c.gap(Loss{First: from, Last: head.seq, Hash: head.hash}, "ends after line %d of the file: %s missing at its end", last, span(from, head.seq))
	case c.seq > head.seq:
		c.ahead = true
		c.fault("goes on to line %d, but state.db knows of %d: lines were added, or state.db is older than the file", c.seq, head.seq)
	case c.prev != head.hash && c.prev != "" && head.seq > 0:
		c.at = last
		c.fault("is not the last line that state.db knows: the file is another one, or was rewritten")
	}
}

func span(from, to int64) string {
	if from == to {
		return fmt.Sprintf("line %d of the trail is", from)
	}
	return fmt.Sprintf("lines %d to %d of the trail are", from, to)
}

// decodeLine reads a line and says whether its hash is that of its text.
func decodeLine(text []byte) (l AuditLine, intact bool, err error) {
	const tail = len(hashOpen) + 2*sha256.Size + len(hashClose)
	var in struct {
		wireLine
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
		Erased bool            `json:"erased"`
		Hash   string          `json:"hash"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return l, false, err
	}
	at, err := time.Parse(atLayout, in.At)
	if err != nil {
		return l, false, err
	}
	l = AuditLine{
		Seq: in.Seq, At: at, Who: in.Who, Command: in.Command, Subject: in.Subject, ParticipantID: in.ParticipantID,
		Before: objectText(in.Before), After: objectText(in.After), Reason: in.Reason, Prev: in.Prev, Hash: in.Hash, Erased: in.Erased,
	}
	if len(text) < tail {
		return l, false, nil
	}
	hashed, end := text[:len(text)-tail], string(text[len(text)-tail:])
	sum := sha256.Sum256(hashed)
	return l, end == hashOpen+hex.EncodeToString(sum[:])+hashClose, nil
}

func objectText(v json.RawMessage) string {
	if string(v) == "null" {
		return ""
	}
	return string(v)
}

// ParseTrail returns the lines of a trail's file, as far as they can be read; those that
// were altered say so.
func ParseTrail(text []byte) []AuditLine {
	return checked(text).lines
}

// checked is a trail that was checked by itself.
func checked(text []byte) *checking {
	c := &checking{prev: noLine, losses: accepted(text), erased: erasuresIn(text), left: make(map[string]*leftOver)}
	c.file(text)
	return c
}

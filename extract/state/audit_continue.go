package state

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/durable"
)

// A TrailStrayError says that an audit trail is not the one that another goes on as.
type TrailStrayError struct {
	Seq int64 // a line that it does not have, or has otherwise
}

func (e *TrailStrayError) Error() string {
	return fmt.Sprintf("it does not have line %d of the audit trail that it is to continue: it is another study's, or older", e.Seq)
}

// LaterTrail returns the file text as it can be the trail of a state from a backup, whose
// trail is older; lines that it speaks of as lost and that older has are put back. A file that
// is damaged is an *AuditError, which calls it path; so is one whose last line was cut off,
// because what that says was done. One that does not have all lines of older, but for lost
// ones, is a *TrailStrayError.
func LaterTrail(path string, text, older []byte) ([]byte, error) {
	if _, intact, err := decodeLine(text[bytes.LastIndexByte(text, '\n')+1:]); err == nil && intact {
		text = append(bytes.Clone(text), '\n')
	}
	c := checked(text)
	if len(c.faults) > 0 {
		return nil, &AuditError{Path: path, Faults: c.faults}
	}
	hashes := make(map[int64]string, len(c.lines))
	for _, l := range c.lines {
		hashes[l.Seq] = l.Hash
	}
	for _, l := range ParseTrail(older) {
		hash, there := hashes[l.Seq]
		if !l.Altered && hash != l.Hash && (there || !c.isLost(l.Seq, l.Seq)) {
			return nil, &TrailStrayError{l.Seq}
		}
	}
	return filled(text, older), nil
}

// filled is text with the lines of older that it lacks, if that is whole.
func filled(text, older []byte) []byte {
	lines := make(map[int64][]byte)
	for line := range bytes.Lines(slices.Concat(older, text)) {
		if l, _, err := decodeLine(bytes.TrimSuffix(line, []byte{'\n'})); err == nil {
			lines[l.Seq] = line
		}
	}
	var all []byte
	for _, seq := range slices.Sorted(maps.Keys(lines)) {
		all = append(all, lines[seq]...)
	}
	if len(all) == len(text) || len(checked(all).faults) > 0 {
		return text
	}
	return all
}

// TrailOf is the file of a trail that has these lines, of which Prev need not be known: what
// a snapshot has of it. A line whose text does not give its hash was erased, or is none.
func TrailOf(lines []AuditLine) ([]byte, error) {
	var text []byte
	prev, before := noLine, make(map[int64]string) // of lines that are lost
	for _, loss := range Losses(lines) {
		before[loss.Last+1] = loss.Hash
	}
	for _, l := range lines {
		l.Prev = cmp.Or(before[l.Seq], prev)
		line, err := lineOf(l)
		if err != nil {
			return nil, fmt.Errorf("line %d of the audit trail: %w", l.Seq, err)
		}
		text, prev = append(text, line...), l.Hash
	}
	return text, nil
}

func lineOf(l AuditLine) ([]byte, error) {
	before, err := fieldsOf(l.Before)
	if err != nil {
		return nil, err
	}
	after, err := fieldsOf(l.After)
	if err != nil {
		return nil, err
	}
	act := Act{Subject: l.Subject, ParticipantID: l.ParticipantID, Before: before, After: after, Reason: l.Reason}
	line, hash, err := encodeLine(l.Seq, l.At, Author{Who: l.Who, Command: l.Command}, act, l.Prev)
	if err == nil && hash != l.Hash {
		return erasedLine(l)
	}
	return line, err
}

// fieldsOf reads fields so that they are written as they were.
func fieldsOf(text string) (f Fields, err error) {
	if text == "" {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&f)
	return f, err
}

// ContinueTrail makes of text, as LaterTrail returns it, the trail of this state, which is
// from a backup: its next line follows the last one of text. What text says and the state
// does not know stays to be found. It returns how many lines the state had not.
func (s *Store) ContinueTrail(ctx context.Context, text []byte) (lines int64, err error) {
	if err := s.completeTrail(ctx); err != nil {
		return 0, err
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		head, err := headIn(ctx, tx)
		if err != nil {
			return err
		}
		own, err := s.readFile(s.auditPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if text, err = LaterTrail(s.auditPath(), text, own); err != nil {
			return err
		}
		c := checked(text)
		if err := c.knows(head); err != nil {
			return err
		}
		if err := durable.Publish(s.auditPath(), text); err != nil {
			return err
		}
		if err := durable.SyncFolder(filepath.Dir(s.auditPath())); err != nil {
			return err
		}
		lines = c.seq - head.seq
		_, err = tx.ExecContext(ctx, "update audit_head set seq = ?, hash = ?, bytes = ?", c.seq, c.prev, len(text))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("audit trail: %w", err)
	}
	return lines, nil
}

// knows is a *TrailStrayError unless the trail has the line that state.db ends with.
func (c *checking) knows(head auditHead) error {
	for _, l := range c.lines {
		if l.Seq == head.seq && l.Hash == head.hash {
			return nil
		}
	}
	if head.seq == 0 || c.isLost(head.seq, head.seq) {
		return nil
	}
	return &TrailStrayError{head.seq}
}

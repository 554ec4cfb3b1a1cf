package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/fault"
)

// ErasureSubject is the subject of lines which say that somebody is erased, and so that
// lines about them before it may be: they keep their number, time, author, command,
// subject, whose they are and their hash, and lose what changed, and why.
const ErasureSubject = "erasure"

// Unreasoned is ctx for changes whose lines have no reason, whatever the author gave.
func Unreasoned(ctx context.Context, s *Store) context.Context {
	by := s.author(ctx)
	by.Reason = ""
	return ByAuthor(ctx, by)
}

// EraseInTrail erases what the lines about a participant say, durably, and adds a line
// with the hash of what is left of them. It returns how many lines are erased. The file
// is replaced whole; interrupted anywhere, it can be repeated.
func (s *Store) EraseInTrail(ctx context.Context, participant string) (lines int, err error) {
	if err := s.completeTrail(ctx); err != nil {
		return 0, err
	}
	err = s.Change(Unreasoned(ctx, s), func(tx *sql.Tx) ([]Act, error) {
		text, err := s.readFile(s.auditPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		left, n, sum, err := erasedTrail(text, participant)
		if err != nil || n == 0 {
			return nil, err
		}
		lines = n
		if err := s.replaceTrail(ctx, tx, text, left); err != nil {
			return nil, err
		}
		return []Act{{Subject: ErasureSubject, ParticipantID: participant, After: Fields{"lines": n, "sha256": sum}}}, nil
	})
	return lines, err
}

// replaceTrail puts left in the place of the trail's file. Nobody appends meanwhile: that
// takes the transaction that the caller has.
func (s *Store) replaceTrail(ctx context.Context, tx *sql.Tx, text, left []byte) error {
	if bytes.Equal(text, left) {
		return nil
	}
	head, err := headIn(ctx, tx)
	if err != nil {
		return err
	}
	if err := durable.Publish(s.auditPath(), left); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	fault.Point("audit.erased")
	if err := durable.SyncFolder(filepath.Dir(s.auditPath())); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	_, err = tx.ExecContext(ctx, "update audit_head set bytes = ?", head.bytes-int64(len(text)-len(left)))
	return err
}

// erasedTrail is text with the lines about a participant erased, how many these are, and
// the SHA-256 of what is left of them. A line that was altered stays as it is, unless it
// is about them: then it goes all the same.
func erasedTrail(text []byte, participant string) (left []byte, lines int, sum string, err error) {
	digest := sha256.New()
	for line := range bytes.Lines(text) {
		l, _, err := decodeLine(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil || l.ParticipantID != participant || l.Subject == ErasureSubject {
			left = append(left, line...)
			continue
		}
		if line, err = erasedLine(l); err != nil {
			return nil, 0, "", err
		}
		lines++
		digest.Write(line)
		left = append(left, line...)
	}
	return left, lines, hex.EncodeToString(digest.Sum(nil)), nil
}

// erasedLine is what is left of a line.
func erasedLine(l AuditLine) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		wireLine
		Erased bool   `json:"erased"`
		Hash   string `json:"hash"`
	}{wireLine{
		Seq: l.Seq, At: l.At.UTC().Format(atLayout), Who: l.Who, Command: l.Command,
		Subject: l.Subject, ParticipantID: l.ParticipantID, Prev: l.Prev,
	}, true, l.Hash})
	return b.Bytes(), err
}

// erasures are what a trail says of who was erased: the number of the last line that
// does, by participant.
type erasures map[string]int64

func erasuresIn(text []byte) erasures {
	found := erasures{}
	if !bytes.Contains(text, []byte(ErasureSubject)) {
		return found
	}
	for line := range bytes.Lines(text) {
		l, intact, err := decodeLine(bytes.TrimSuffix(line, []byte{'\n'}))
		if err == nil && intact && l.Subject == ErasureSubject {
			found[l.ParticipantID] = l.Seq
		}
	}
	return found
}

// allow reports whether a line may be one that was erased: a later one says so, and it
// says nothing itself.
func (e erasures) allow(l AuditLine) bool {
	return l.blank() && l.Seq < e[l.ParticipantID]
}

// blank reports whether a line says that it was erased, and no more.
func (l AuditLine) blank() bool {
	return l.Erased && l.Before == "" && l.After == "" && l.Reason == ""
}

// A leftOver is what is left of the erased lines of a participant, up to the one in hand.
type leftOver struct {
	lines  int
	digest hash.Hash
}

// agrees reports whether what is left of erased lines is what a line says was.
func (l *leftOver) agrees(says string) bool {
	var after struct {
		Lines  *int   `json:"lines"`
		SHA256 string `json:"sha256"`
	}
	if json.Unmarshal([]byte(says), &after) != nil || after.Lines == nil {
		return true // that it began
	}
	if l == nil {
		return *after.Lines == 0
	}
	return l.lines == *after.Lines && hex.EncodeToString(l.digest.Sum(nil)) == after.SHA256
}

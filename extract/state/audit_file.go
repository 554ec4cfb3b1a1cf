package state

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/dexetl/dexetl/extract/durable"
)

// AuditFile is the name of the trail in the folder of the state.
const AuditFile = "audit.jsonl"

func (s *Store) auditPath() string { return filepath.Join(filepath.Dir(s.db.path), AuditFile) }

// appendTrail writes the lines that wait in state.db to the end of the file.
// Nothing in the file is ever cut or written over: a line that a crash broke
// off is completed. If the file is not as it was left, the lines are appended
// all the same and continue the chain of state.db, so that the gap stays in
// sight; to find it is Trail's business.
func (s *Store) appendTrail(ctx context.Context, tx *sql.Tx) error {
	waiting, err := waitingLines(ctx, tx)
	if err != nil || len(waiting) == 0 {
		return err
	}
	head, err := headIn(ctx, tx)
	if err != nil {
		return err
	}
	if info, err := os.Stat(s.auditPath()); err == nil && info.Size() != head.bytes {
		if _, c := s.ahead(head); c != nil && c.knows(head) == nil {
			return forgetWaiting(ctx, tx) // it has them, and more
		}
	}
	size, err := appendDurably(s.auditPath(), head.bytes, waiting)
	if err != nil {
		return fmt.Errorf("not yet in the file: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "update audit_head set bytes = ?", size); err != nil {
		return err
	}
	return forgetWaiting(ctx, tx)
}

func forgetWaiting(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "delete from audit_pending")
	return err
}

// ours reports whether an act is the study's. What participants and Dexcom do is kept whatever
// the file is like: a token that is received has to be saved.
func ours(a Act) bool { return !slices.Contains([]string{"connection", "consent", "link"}, a.Subject) }

// trailHarmed is an *AuditError where the file that had lines is gone, cut or damaged: what is
// appended would begin another one, or stand behind the harm, and a file from a backup would end
// it. A gap between whole lines is no harm here.
func (s *Store) trailHarmed(ctx context.Context, tx *sql.Tx, head auditHead, acts []Act) error {
	if head.bytes == 0 || !slices.ContainsFunc(acts, ours) {
		return nil
	}
	if info, err := os.Stat(s.auditPath()); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		reason := fmt.Sprintf("it is gone, or empty; state.db knows %d lines of it; nothing was changed", head.seq)
		return &AuditError{Path: s.auditPath(), Faults: []AuditFault{{Reason: reason}}, Refused: true, Gap: true}
	}
	return s.harmed(ctx, tx, head)
}

// harmed is an *AuditError where the file, with the lines that wait for it, is cut or damaged.
func (s *Store) harmed(ctx context.Context, tx *sql.Tx, head auditHead) error {
	text, err := s.readFile(s.auditPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil // whoever appends says what is wrong
	}
	if text, err = s.withWaiting(ctx, tx, text, head); err != nil {
		return err
	}
	c := checked(text)
	c.end(len(text) > 0, head)
	if len(c.faults) == c.passed {
		return nil
	}
	faults := append([]AuditFault{{Reason: "it is damaged; nothing was changed"}}, c.faults...)
	return &AuditError{Path: s.auditPath(), Faults: faults, Refused: true, Gap: len(c.faults) == len(c.gaps)}
}

// waitingLines are the lines not yet in the file, one after the other.
func waitingLines(ctx context.Context, tx *sql.Tx) ([]byte, error) {
	lines, err := Collect(ctx, tx, func(row func(...any) error) (line []byte, err error) {
		err = row(&line)
		return line, err
	}, "select line from audit_pending order by seq")
	return bytes.Join(lines, nil), err
}

// appendDurably writes lines to the end of the file at path, which was known
// bytes long when it was written last, and returns its new length.
func appendDurably(path string, known int64, lines []byte) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600) // a link could lead into any file
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	rest, err := missingPart(f, st.Size(), known, lines)
	if err != nil {
		return 0, err
	}
	if _, err := f.Write(rest); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	if known == 0 {
		if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
			return 0, err
		}
	}
	return f.Seek(0, io.SeekEnd)
}

// missingPart is what of lines is not at the end of f already, which is size bytes long.
func missingPart(f io.ReaderAt, size, known int64, lines []byte) ([]byte, error) {
	if written := size - known; written >= 0 && written <= int64(len(lines)) {
		tail := make([]byte, written)
		if _, err := f.ReadAt(tail, known); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if bytes.HasPrefix(lines, tail) {
			return lines[written:], nil
		}
	}
	if size == 0 {
		return lines, nil
	}
	// Whatever stands there, a line of ours begins a line of the file.
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil {
		return nil, err
	}
	if last[0] != '\n' {
		return append([]byte{'\n'}, lines...), nil
	}
	return lines, nil
}

// readTrail appends what waits and returns the file, whole, and the head that
// belongs to it. A file that is not there is empty. Nobody is kept from writing
// meanwhile: a line is known to the head before it is in the file. So where the head
// is the same before and after, and no line waits, the file holds the lines up to it
// and no more.
func (s *Store) readTrail(ctx context.Context) (text []byte, head auditHead, err error) {
	for {
		head, waiting, err := s.trailHead(ctx)
		if err != nil {
			return nil, head, err
		}
		if waiting > 0 {
			if err := s.completeTrail(ctx); err != nil {
				return nil, head, err
			}
			continue
		}
		text, err = s.readFile(s.auditPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, head, err
		}
		now, waiting, err := s.trailHead(ctx)
		if err != nil || now == head && waiting == 0 {
			return text, head, err
		}
	}
}

// trailHead returns the head, and how many of its lines wait for the file.
func (s *Store) trailHead(ctx context.Context) (head auditHead, waiting int, err error) {
	head, err = One(ctx, s, func(row func(...any) error) (h auditHead, err error) {
		err = row(&h.seq, &h.hash, &h.bytes, &waiting)
		return h, err
	}, "select seq, hash, bytes, (select count(*) from audit_pending) from audit_head")
	return head, waiting, err
}

// Head returns number and hash of the last line of the trail, as state.db knows it.
func (s *Store) Head(ctx context.Context) (seq int64, hash string, err error) {
	head, _, err := s.trailHead(ctx)
	return head.seq, head.hash, err
}

// completeTrail appends what waits.
func (s *Store) completeTrail(ctx context.Context) error {
	return s.Write(ctx, func(tx *sql.Tx) error {
		if err := s.appendTrail(ctx, tx); err != nil {
			return fmt.Errorf("audit trail: lines of changes made are %w", err)
		}
		return nil
	})
}

package state

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"os"
)

// catchUp makes the next line follow the end of the file, where that goes on after the end
// that state.db knows: state.db was put back to before lines of it. What these say and the
// state does not know stays to be found. It returns the end, and how many lines state.db had
// not. A file that is damaged, or does not have the line that state.db ends with, is followed
// by force only: by what has to be kept all the same.
func (s *Store) catchUp(ctx context.Context, tx *sql.Tx, force bool) (head auditHead, unknown int64, err error) {
	if head, err = headIn(ctx, tx); err != nil {
		return head, 0, err
	}
	text, c := s.ahead(head)
	if c == nil {
		return head, 0, nil
	}
	known := len(c.faults) == c.passed && c.knows(head) == nil
	if !known && (!force || c.prev == "") {
		return head, 0, nil
	}
	if known {
		if err := forgetWaiting(ctx, tx); err != nil { // the file has them
			return head, 0, err
		}
	}
	end := auditHead{c.seq, c.prev, int64(len(text))}
	_, err = tx.ExecContext(ctx, "update audit_head set seq = ?, hash = ?, bytes = ?", end.seq, end.hash, end.bytes)
	return end, c.seq - head.seq, err
}

// CatchUp makes the trail go on behind the end of its file, if state.db was put back to before
// lines of that, and writes a line which says so. It returns how many lines state.db had not;
// 0: nothing was done.
func (s *Store) CatchUp(ctx context.Context) (unknown int64, err error) {
	head, _, err := s.trailHead(ctx)
	if err != nil {
		return 0, err
	}
	if _, c := s.ahead(head); c == nil {
		return 0, nil
	}
	err = s.Change(ctx, func(tx *sql.Tx) ([]Act, error) {
		_, unknown, err = s.catchUp(ctx, tx, false)
		if unknown == 0 || err != nil {
			return nil, err
		}
		return []Act{caughtUp(unknown)}, nil
	})
	return unknown, err
}

// caughtUp is the act by which the trail says that state.db had not all lines of it.
func caughtUp(unknown int64) Act {
	return Act{Subject: "backup", After: Fields{"lines_unknown": unknown}, Reason: "state.db was older than the audit trail"}
}

// ahead is the file and its lines, if it goes on after the end that state.db knows; nil: it
// does not, or cannot be read, of which whoever appends tells.
func (s *Store) ahead(head auditHead) (text []byte, c *checking) {
	if endsWith(s.auditPath(), head.hash) {
		return nil, nil
	}
	text, err := s.readFile(s.auditPath())
	if err != nil {
		return nil, nil
	}
	if c = checked(text); c.seq <= head.seq {
		return nil, nil
	}
	return text, c
}

// endsWith reports whether the last line of a file is whole and has the hash.
func endsWith(path, hash string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	want := []byte(hashOpen + hash + hashClose + "\n")
	tail := make([]byte, len(want))
	if _, err := f.Seek(-int64(len(tail)), io.SeekEnd); err != nil {
		return false
	}
	_, err = io.ReadFull(f, tail)
	return err == nil && bytes.Equal(tail, want)
}

package state

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Author is who changes the study and how: what every line of the audit
// trail says of its origin.
type Author struct {
	Who     string // person and machine
	Command string // such as participants import
	Reason  string // of changes that bring none of their own
}

type authorKey struct{}

// ByAuthor is ctx for changes that are made for somebody else than the store's By: one
// process serves many, each of whom the audit trail names.
func ByAuthor(ctx context.Context, by Author) context.Context {
	return context.WithValue(ctx, authorKey{}, by)
}

// author is who makes a change with ctx.
func (s *Store) author(ctx context.Context) Author {
	if by, ok := ctx.Value(authorKey{}).(Author); ok {
		return by
	}
	return s.By
}

// Subjects are the kinds of things that acts are about.
func Subjects() []string {
	return []string{"backup", "connection", "consent", "erasure", "exclusion", "exclusions", "export", "key", "link", "participant", "report", "roster", "snapshot", "trail", "webhook", "window", "windows", "withdrawal"}
}

// An Act is one change of the study, for the audit trail. It holds no token,
// nothing made of one, and nothing that was measured.
type Act struct {
	Subject       string // what kind of thing, of Subjects
	ParticipantID string // whose; "" where it is nobody's
	Before, After Fields // what changed, from and to; nil: was or is not there
	Reason        string // "": the Author's
}

// Fields are values by name. Values are text, numbers, bools, or null.
type Fields map[string]any

// Audit appends acts to the trail, for what changes elsewhere than here: it is
// called before the change is made known. When it returns, they are on disk.
func (s *Store) Audit(ctx context.Context, acts ...Act) error {
	return s.Change(ctx, func(*sql.Tx) ([]Act, error) { return acts, nil })
}

// Change runs f in a transaction and writes what it did into the trail. The
// lines are committed together with the change, or neither is; then they go
// into the file, and only then is the change done. A process that dies between
// leaves lines for the next one to append.
func (s *Store) Change(ctx context.Context, f func(tx *sql.Tx) ([]Act, error)) error {
	noted := false
	err := s.Write(ctx, func(tx *sql.Tx) error {
		acts, err := f(tx)
		if err != nil || len(acts) == 0 {
			return err
		}
		noted = true
		return s.note(ctx, tx, acts)
	})
	if err != nil || !noted {
		return err
	}
	return s.Write(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		if err := s.appendTrail(ctx, tx); err != nil {
			return fmt.Errorf("the change is made and its line of the audit trail is kept in state.db, but %w", err)
		}
		return nil
	})
}

// An auditHead is the end of the trail as state.db knows it.
type auditHead struct {
	seq   int64
	hash  string // of line seq
	bytes int64  // length of the file when it was last written
}

// noLine is the hash before the first line.
var noLine = strings.Repeat("0", sha256.Size*2)

func headIn(ctx context.Context, q Querier) (auditHead, error) {
	return One(ctx, q, func(row func(...any) error) (h auditHead, err error) {
		err = row(&h.seq, &h.hash, &h.bytes)
		return h, err
	}, "select seq, hash, bytes from audit_head")
}

// note makes the lines of acts and moves the head.
func (s *Store) note(ctx context.Context, tx *sql.Tx, acts []Act) error {
	head, unknown, err := s.catchUp(ctx, tx, !slices.ContainsFunc(acts, ours))
	if err != nil {
		return err
	}
	if unknown > 0 {
		acts = append([]Act{caughtUp(unknown)}, acts...)
	}
	accepts := slices.ContainsFunc(acts, func(a Act) bool { return a.Subject == LossSubject })
	if !accepts {
		err = s.trailHarmed(ctx, tx, head, acts)
	}
	if err != nil {
		return err
	}
	if head.seq == 0 {
		head.hash = noLine
	}
	at := s.now().Truncate(time.Microsecond)
	for _, act := range acts {
		head.seq++
		var line []byte
		line, head.hash, err = encodeLine(head.seq, at, s.author(ctx), act, head.hash)
		if err != nil {
			return fmt.Errorf("audit trail: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "insert into audit_pending (seq, line) values (?, ?)", head.seq, line); err != nil {
			return err
		}
	}
	if accepts { // with these lines it has to be whole
		err = s.harmed(ctx, tx, head)
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "update audit_head set seq = ?, hash = ?", head.seq, head.hash)
	return err
}

// wireLine is a line of the file but for its last member, hash.
type wireLine struct {
	Seq           int64  `json:"seq"`
	At            string `json:"at"`
	Who           string `json:"who"`
	Command       string `json:"command"`
	Subject       string `json:"subject"`
	ParticipantID string `json:"participant_id"`
	Before        Fields `json:"before"`
	After         Fields `json:"after"`
	Reason        string `json:"reason"`
	Prev          string `json:"prev"`
}

const atLayout = "2006-01-02T15:04:05.000000Z"

// encodeLine returns a line with its line break, and its hash: the SHA-256 of
// the line's bytes before the member hash.
func encodeLine(seq int64, at time.Time, by Author, act Act, prev string) (line []byte, hash string, err error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(wireLine{
		Seq: seq, At: at.UTC().Format(atLayout), Who: by.Who, Command: by.Command,
		Subject: act.Subject, ParticipantID: act.ParticipantID, Before: act.Before, After: act.After,
		Reason: cmp.Or(act.Reason, by.Reason), Prev: prev,
	})
	if err != nil {
		return nil, "", err
	}
	hashed := bytes.TrimSuffix(b.Bytes(), []byte("}\n"))
	sum := sha256.Sum256(hashed)
	hash = hex.EncodeToString(sum[:])
	return append(hashed, hashOpen+hash+hashClose+"\n"...), hash, nil
}

// A line ends with its hash between these.
const (
	hashOpen  = `,"hash":"`
	hashClose = `"}`
)

package state

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// LossSubject is the subject of lines by which somebody says that lines of a trail are lost
// for good: of this one before them, or of an older one that snapshots have.
const LossSubject = "trail"

// A Loss is lines of a trail that are lost for good, as somebody has accepted.
type Loss struct {
	First, Last int64
	Hash        string   // of line Last; "": the lines are of an older trail, which snapshots have
	Ends        []string // hashes of those lines with which the trail of a snapshot ends

	At          time.Time
	Who, Reason string
}

// Older reports whether the lines are those of an older trail.
func (l Loss) Older() bool { return l.Hash == "" }

// act is the line that says so.
func (l Loss) act() Act {
	after := Fields{"first": l.First, "last": l.Last}
	if l.Hash != "" {
		after["hash"] = l.Hash
	}
	if len(l.Ends) > 0 {
		after["ends"] = strings.Join(l.Ends, " ")
	}
	return Act{Subject: LossSubject, After: after}
}

// lossOf reads a line that says so.
func lossOf(l AuditLine) (loss Loss, ok bool) {
	var after struct {
		First, Last int64
		Hash, Ends  string
	}
	if l.Altered || l.Subject != LossSubject || json.Unmarshal([]byte(l.After), &after) != nil {
		return loss, false
	}
	ends := strings.Fields(after.Ends)
	return Loss{First: after.First, Last: after.Last, Hash: after.Hash, Ends: ends, At: l.At, Who: l.Who, Reason: l.Reason}, true
}

// Losses are those that lines of a trail speak of, but for lines that are back.
func Losses(lines []AuditLine) (losses []Loss) {
	there := make(map[int64]bool, len(lines))
	for _, l := range lines {
		there[l.Seq] = true
	}
	for _, line := range lines {
		loss, ok := lossOf(line)
		back := !loss.Older()
		for n := loss.First; n <= loss.Last && back; n++ {
			back = there[n]
		}
		if ok && !back {
			losses = append(losses, loss)
		}
	}
	return losses
}

// accepted are the losses of a trail's own lines that it speaks of itself.
func accepted(text []byte) (losses []Loss) {
	if !bytes.Contains(text, []byte(LossSubject)) {
		return nil
	}
	for line := range bytes.Lines(text) {
		l, intact, err := decodeLine(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil || !intact {
			continue
		}
		if loss, ok := lossOf(l); ok && !loss.Older() && loss.Last < l.Seq {
			losses = append(losses, loss)
		}
	}
	return losses
}

// isLost reports whether all lines from one to another are accepted as lost.
func (c *checking) isLost(from, to int64) bool {
	return slices.ContainsFunc(c.losses, func(l Loss) bool { return l.First <= from && to <= l.Last })
}

// eraserLost reports whether a line was erased, and the one that says so is lost.
func (c *checking) eraserLost(l AuditLine) bool {
	return l.blank() && slices.ContainsFunc(c.losses, func(loss Loss) bool { return loss.First > l.Seq })
}

// AcceptLoss writes into the trail that those of its lines are lost for good that are not in
// its file, that snapshots have lines of an older one (older), and what acts say. From then
// on they are no fault. It returns the losses. A file with lines that are no whole ones stays
// as it is: the error is an *AuditError.
func (s *Store) AcceptLoss(ctx context.Context, older []Loss, acts ...Act) (losses []Loss, err error) {
	err = s.Change(ctx, func(tx *sql.Tx) ([]Act, error) {
		own, err := s.lostLines(ctx, tx)
		if err != nil {
			return nil, err
		}
		losses = joined(own, older)
		told := make([]Act, 0, len(losses)+len(acts))
		for _, l := range losses {
			told = append(told, l.act())
		}
		return append(told, acts...), nil
	})
	return losses, err
}

// joined are all losses: lines that snapshots have may be those of a gap.
func joined(own, older []Loss) []Loss {
	all := slices.Clone(own)
	for _, o := range older {
		i := slices.IndexFunc(own, func(l Loss) bool { return l.First <= o.First && o.Last <= l.Last })
		if i < 0 {
			all = append(all, o)
		} else {
			all[i].Ends = append(all[i].Ends, o.Ends...)
		}
	}
	return all
}

// lostLines are the lines that are not in the file, and of which no line says that they are
// lost.
func (s *Store) lostLines(ctx context.Context, tx *sql.Tx) (lost []Loss, err error) {
	head, err := headIn(ctx, tx)
	if err != nil {
		return nil, err
	}
	text, err := s.readFile(s.auditPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err = s.withWaiting(ctx, tx, text, head)
	if err != nil {
		return nil, err
	}
	c := checked(text)
	c.end(len(text) > 0, head)
	return c.gaps, nil
}

// withWaiting is the text of the file with the lines that wait for it.
func (s *Store) withWaiting(ctx context.Context, tx *sql.Tx, text []byte, head auditHead) ([]byte, error) {
	waiting, err := waitingLines(ctx, tx)
	if err != nil {
		return nil, err
	}
	rest, err := missingPart(bytes.NewReader(text), int64(len(text)), head.bytes, waiting)
	return slices.Concat(text, rest), err
}

package raw

import (
	"os"
	"syscall"
	"time"
)

// A Segment is one file of the log.
type Segment struct {
	Number    uint64
	Bytes     int64 // on disk
	Last      bool  // what is appended goes there
	Compacted bool
}

// Segments lists the files of the log in order.
func (l *Log) Segments() ([]Segment, error) {
	end, list, err := l.end()
	if err != nil {
		return nil, err
	}
	all := make([]Segment, len(list))
	for i, s := range list {
		f, err := os.Open(s.path)
		if err != nil {
			return nil, wrap(err)
		}
		all[i] = Segment{Number: s.number, Last: s.number == end.Segment, Compacted: isCompacted(f)}
		all[i].Bytes, err = fileSize(f)
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Seal closes the last segment if its first answer is older than before, so that
// a log that grows slowly has closed segments too. The next append begins
// another one.
func (l *Log) Seal(before time.Time) error {
	return l.inTurn(func() error { return l.sealOld(before) })
}

// sealOld is Seal by the one who leads.
func (l *Log) sealOld(before time.Time) error {
	t := &l.tail
	if t.file == nil || t.sealed || t.end <= segmentHeaderLen {
		return nil
	}
	scan, err := newScanner(t.file, t.number, true, 0, t.end)
	if err != nil {
		return err
	}
	first, err := scan.next()
	if err != nil || !first.AskedAt.Before(before) {
		return err
	}
	return l.writeEnd()
}

// inTurn does something with the end of the log in hand, while nobody appends.
func (l *Log) inTurn(do func() error) error {
	turn := newPending()
	if err := l.enqueue(turn, false); err != nil {
		return err
	}
	<-turn.lead
	err := l.locked(do)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = l.queue[1:]
	l.passLead()
	return err
}

func (l *Log) locked(do func() error) error {
	if err := flock(l.lock, syscall.LOCK_EX); err != nil {
		return err
	}
	defer flock(l.lock, syscall.LOCK_UN) //nolint:errcheck // the next flock on it says the same
	if err := l.catchUp(); err != nil {
		return err
	}
	return do()
}

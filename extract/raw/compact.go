package raw

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// A Fate says what compaction does with the body of an answer.
type Fate struct {
	Drop     bool
	Rejected int // of a dropped one: kept for DroppedError
}

// A Compaction says what one did.
type Compaction struct {
	Segments      int
	Answers       int
	Dropped       int   // answers of which only the header is left
	Before, After int64 // bytes on disk of the segments
}

// Add adds what another compaction did.
func (c *Compaction) Add(d Compaction) {
	c.Segments += d.Segments
	c.Answers += d.Answers
	c.Dropped += d.Dropped
	c.Before += d.Before
	c.After += d.After
}

// Compact rewrites segment number in the compacted format; fate is asked about
// each of its entries in order. Positions do not change, and neither does any
// header. What bodies lose is the encoding in which they were received: of those
// that are kept the plain bytes stay.
//
// The new segment is read back and compared, entry by entry, and made durable
// before it takes the old one's place, in one step: readers, also of other
// processes and in the middle of it, find the one or the other. A segment that is
// damaged stays as it is, and so does one with headers that this program cannot
// write again as they are. The last segment cannot be compacted; one that is
// compacted is left alone. Only one process may compact at a time.
func (l *Log) Compact(ctx context.Context, number uint64, fate func(Entry) Fate) (Compaction, error) {
	done, err := l.compact(ctx, number, fate)
	if err != nil {
		return Compaction{}, fmt.Errorf("compact segment %d: %w", number, err)
	}
	return done, nil
}

func (l *Log) compact(ctx context.Context, number uint64, fate func(Entry) Fate) (done Compaction, err error) {
	_, list, err := l.end()
	if err != nil {
		return done, err
	}
	if number < 1 || number >= uint64(len(list)) {
		return done, errors.New("it is not closed")
	}
	old, err := os.Open(list[number-1].path)
	if err != nil {
		return done, wrap(err)
	}
	defer old.Close()
	if isCompacted(old) {
		return done, nil
	}
	temporary := old.Name() + compactingSuffix
	defer os.Remove(temporary)
	w, err := l.newCompactor(temporary, old, number)
	if err != nil {
		return done, err
	}
	defer w.file.Close()
	if err := w.addAll(ctx, old, number, fate); err != nil {
		return done, err
	}
	if err := w.finish(); err != nil {
		return done, err
	}
	if err := w.verify(ctx, number); err != nil {
		return done, err
	}
	if err := l.replace(temporary, old.Name()); err != nil {
		return done, err
	}
	done = Compaction{Segments: 1, Answers: len(w.entries), Dropped: w.dropped, Before: w.segment.original.length, After: w.size}
	return done, nil
}

// replace gives temporary the name path, durably. Nobody lists segments
// meanwhile.
func (l *Log) replace(temporary, path string) error {
	lock, err := openLock(l.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := flock(lock, syscall.LOCK_EX); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return wrap(err)
	}
	return l.syncDir(filepath.Dir(path))
}

// digestOf returns the SHA-256 and the length of a file.
func digestOf(f *os.File) ([]byte, int64, error) {
	hash := sha256.New()
	n, err := io.Copy(hash, io.NewSectionReader(f, 0, 1<<62))
	return hash.Sum(nil), n, wrap(err)
}

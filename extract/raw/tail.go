package raw

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/fault"
)

// A tail is what an appender knows of the end of the log. It is valid as long
// as the lock is held; the next holder catches up from here.
type tail struct {
	file   *os.File // the last segment; nil: none known
	number uint64
	end    int64 // of the last complete entry; 0: not even a complete head
	sealed bool  // the end mark is written
}

func (t *tail) close() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	*t = tail{}
	return f.Close()
}

// catchUp brings the tail to the end of the log and cuts off what a crash left
// behind it. The caller holds the lock.
func (l *Log) catchUp() error {
	for {
		if l.tail.file != nil && !l.tail.sealed {
			if err := l.follow(); err != nil {
				return err
			}
			if !l.tail.sealed {
				return nil
			}
		}
		list, err := l.segments()
		if err != nil {
			return err
		}
		if len(list) == 0 || list[len(list)-1].number == l.tail.number {
			return nil
		}
		last := list[len(list)-1]
		if err := l.tail.close(); err != nil {
			return wrap(err)
		}
		if err := l.syncNames(last.path); err != nil {
			return err
		}
		f, err := os.OpenFile(last.path, os.O_RDWR|syscall.O_NOFOLLOW, 0) // a link could lead into any file
		if err != nil {
			return wrap(err)
		}
		l.tail = tail{file: f, number: last.number}
	}
}

// follow moves the end over entries that others appended to this segment and
// cuts off a torn tail.
func (l *Log) follow() error {
	t := &l.tail
	size, err := fileSize(t.file)
	if err != nil || (size == t.end && size > 0) {
		return err
	}
	scan, err := newScanner(t.file, t.number, true, t.end, size)
	for err == nil {
		_, err = scan.next()
	}
	if err != io.EOF {
		return err
	}
	t.end, t.sealed = scan.offset, scan.sealed
	switch {
	case t.end == 0:
		t.end = segmentHeaderLen
		return l.headSegment(t.file, t.number)
	case t.end < size:
		return l.cut()
	}
	return nil
}

// cut removes what stands behind the end, durably.
func (l *Log) cut() error {
	err := l.tail.file.Truncate(l.tail.end)
	if err == nil {
		err = l.Fsync(l.tail.file)
	}
	if err != nil {
		return fmt.Errorf("raw log: cut torn tail: %w", err)
	}
	return nil
}

// write appends b durably. After an error nothing of b counts as written.
func (l *Log) write(b []byte) error {
	t := &l.tail
	fault.Point("raw.writing")
	_, err := t.file.WriteAt(b, t.end)
	fault.Point("raw.written")
	if err == nil {
		err = l.Fsync(t.file)
	}
	if err != nil {
		// What a failed fsync left on disk is unknown: forget the file, so that
		// the next append looks at it again.
		return wrap(errors.Join(err, l.cut(), t.close()))
	}
	fault.Point("raw.synced")
	t.end += int64(len(b))
	return nil
}

// writeEnd seals the last segment.
func (l *Log) writeEnd() error {
	err := l.write(prefix{magic: endMagic}.append(nil))
	l.tail.sealed = err == nil
	return err
}

// roll seals the last segment, if there is one, and begins the next.
func (l *Log) roll(now time.Time) error {
	if l.tail.file != nil && !l.tail.sealed {
		if err := l.writeEnd(); err != nil {
			return err
		}
	}
	number := l.tail.number + 1
	if err := l.tail.close(); err != nil {
		return wrap(err)
	}
	f, err := l.createSegment(number, now)
	if err != nil {
		return err
	}
	l.tail = tail{file: f, number: number, end: segmentHeaderLen}
	return nil
}

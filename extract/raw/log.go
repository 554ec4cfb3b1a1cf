package raw

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"github.com/dexetl/dexetl/extract/durable"
)

// maxSegment is the length that a segment passes only with a single entry.
const maxSegment = 64 << 20

// A Log is the raw log of a study. Any number of processes may append and read;
// its methods may be called at the same time.
type Log struct {
	// Fsync makes a file or folder durable. Tests that cut no power replace it
	// before the log is used.
	Fsync func(*os.File) error

	dir        string
	maxSegment int64
	spanSize   int64
	readDir    func(dir string) ([]fs.DirEntry, error)
	encoder    func() (*zstd.Encoder, error)
	decoder    func() (*zstd.Decoder, error)
	compressor func() (*zstd.Encoder, error) // of compacted segments: takes its time, and room
	gunzips    sync.Pool                     // of *gzip.Reader
	spans      *spanCache

	mu      sync.Mutex
	queue   []*pending // waiting to be written
	leading bool       // somebody writes
	closed  bool

	// The fields below belong to the one who leads.
	lock *os.File
	tail tail
}

// Open opens the log in dir, creating it if it is not there. It reads nothing:
// damage shows when the log is read or appended to, but for a file in the place of the folder.
func Open(dir string) (*Log, error) {
	// The folder above is the lake's, which others may read.
	if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o750), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, placed(dir, true, wrap(err))
	}
	lock, err := openLock(dir)
	if err != nil {
		return nil, placed(filepath.Join(dir, "lock"), false, err)
	}
	return &Log{
		Fsync:      (*os.File).Sync,
		dir:        dir,
		maxSegment: maxSegment,
		spanSize:   spanSize,
		readDir:    os.ReadDir,
		encoder:    sync.OnceValues(newEncoder),
		decoder:    sync.OnceValues(newDecoder),
		compressor: sync.OnceValues(newCompressor),
		spans:      new(spanCache),
		lock:       lock,
	}, nil
}

// Close releases the log. It waits for appends under way; later ones fail.
func (l *Log) Close() error {
	last := newPending()
	if l.enqueue(last, true) != nil {
		return nil // closed already
	}
	<-last.lead // the queue is served in order and takes nobody in after us; the lead stays here
	return wrap(errors.Join(l.tail.close(), l.lock.Close()))
}

// Entries yields the entries from position on, in log order, bodies unread,
// and ends at the last one that was durable when the iteration began. Damage in
// front of it is a *DamageError, a newer format a *VersionError; both end the
// iteration.
func (l *Log) Entries(from Position) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		end, list, err := l.end()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		if from.Compare(end) > 0 {
			yield(Entry{}, &DamageError{File: l.dir, Offset: from.Offset, Reason: fmt.Sprintf("the log ends at %s, before position %s", end, from)})
			return
		}
		for _, s := range list {
			if s.number < from.Segment {
				continue
			}
			offset := int64(0)
			if s.number == from.Segment {
				offset = from.Offset
			}
			if !l.entriesOf(s, offset, end, yield) {
				return
			}
		}
	}
}

// entriesOf yields the entries of s from offset on that are in front of end and
// reports whether the iteration goes on.
func (l *Log) entriesOf(s segment, offset int64, end Position, yield func(Entry, error) bool) bool {
	f, err := os.Open(s.path)
	if err != nil {
		yield(Entry{}, wrap(err))
		return false
	}
	defer f.Close()
	last, size := s.number == end.Segment, end.Offset
	if !last && isCompacted(f) {
		return l.compactedEntries(f, s, offset, yield)
	}
	if !last {
		if size, err = fileSize(f); err != nil {
			yield(Entry{}, err)
			return false
		}
	}
	scan, err := newScanner(f, s.number, last, offset, size)
	for err == nil {
		var e Entry
		if e, err = scan.next(); err == nil {
			e.log = l
			if !yield(e, nil) {
				return false
			}
		}
	}
	if err == io.EOF {
		return true
	}
	if last {
		// An append may have cut off a torn tail meanwhile, or the segment was closed
		// and compacted: then the end is another one, and what stands there now is
		// looked at again.
		if scan != nil {
			offset = scan.offset
		}
		if now, _, err := l.end(); err == nil && now != end {
			return l.entriesOf(s, offset, now, yield)
		}
	}
	yield(Entry{}, err)
	return false
}

// Sync makes durable what Entries has yielded: a process that was killed in the
// middle of an append may have written an answer that is whole and may still be
// lost in a power cut.
func (l *Log) Sync() error {
	_, list, err := l.end()
	if err != nil || len(list) == 0 {
		return err
	}
	f, err := os.Open(list[len(list)-1].path) // those before it were sealed durably
	if err != nil {
		return wrap(err)
	}
	return wrap(errors.Join(l.Fsync(f), f.Close()))
}

// end returns the end of the last segment, a torn tail included, and the list of
// segments. It waits for a group that is being written.
func (l *Log) end() (Position, []segment, error) {
	end, list, err := l.allSegments()
	if err == nil {
		err = numbered(list)
	}
	if err != nil {
		return Position{}, nil, err
	}
	return end, list, nil
}

// allSegments is end without a look at their numbers.
func (l *Log) allSegments() (Position, []segment, error) {
	lock, err := openLock(l.dir)
	if err != nil {
		return Position{}, nil, err
	}
	defer lock.Close()
	if err := flock(lock, syscall.LOCK_SH); err != nil {
		return Position{}, nil, err
	}
	list, err := l.listed()
	if err != nil || len(list) == 0 {
		return Position{}, nil, err
	}
	last := list[len(list)-1]
	info, err := os.Stat(last.path)
	if err != nil {
		return Position{}, nil, wrap(err)
	}
	return Position{last.number, info.Size()}, list, nil
}

func fileSize(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, wrap(err)
	}
	return info.Size(), nil
}

// openLock opens the lock file. Each holder opens it anew, because flock belongs
// to the open file and not to the process. Where nothing may be written, it is opened to
// read: that is enough to lock it, and who appends fails at the segment.
func openLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		if only, e := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0); e == nil {
			return only, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("raw log lock: %w", err)
	}
	return f, nil
}

// flock applies how to the lock file, waiting for other holders.
func flock(f *os.File, how int) error {
	if err := durable.Lock(f, how); err != nil {
		return fmt.Errorf("raw log lock: %w", err)
	}
	return nil
}

package raw

import (
	"context"
	"errors"
	"io"
	"os"
)

// A Verified says what Verify read.
type Verified struct {
	Segments, Answers int
	Bytes             int64 // of the segments
	Unread            int   // segments of which nobody can tell where the next answer begins
}

// Verify reads the whole log: each segment is there once, and all headers and bodies in it
// are what was written, by their checksums. It goes on behind a body that is damaged, and
// with the next segment where a header is. Its error is that the log cannot be read. Appends
// may go on.
func (l *Log) Verify(ctx context.Context, found func(*DamageError)) (done Verified, err error) {
	note := func(err error) error {
		var damage *DamageError
		if !errors.As(err, &damage) {
			return err
		}
		found(damage)
		return nil
	}
	end, list, err := l.allSegments()
	if err != nil {
		return done, note(err)
	}
	if err := note(numbered(list)); err != nil {
		return done, err
	}
	for _, s := range list {
		err := l.verifySegment(ctx, s, end, note, &done)
		if os.IsNotExist(err) {
			err = &DamageError{File: s.path, Reason: "it is gone"}
		} else if err != nil {
			done.Unread++
		}
		if err = note(err); err != nil {
			return done, err
		}
	}
	return done, nil
}

// File is the path of the segment of a number; "" if there is none.
func (l *Log) File(segment uint64) (string, error) {
	_, list, err := l.allSegments()
	for _, s := range list {
		if s.number == segment {
			return s.path, err
		}
	}
	return "", err
}

// verifySegment reads one segment. It may be compacted meanwhile: then the file in hand is
// what it was, and is read to its end.
func (l *Log) verifySegment(ctx context.Context, s segment, end Position, note func(error) error, done *Verified) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := fileSize(f)
	if err != nil {
		return err
	}
	done.Segments, done.Bytes = done.Segments+1, done.Bytes+size
	last := s.number == end.Segment
	if !last && isCompacted(f) {
		return l.verifyCompacted(ctx, f, s, note, done)
	}
	if last {
		size = end.Offset
	}
	scan, err := newScanner(f, s.number, last, 0, size)
	for err == nil {
		var e Entry
		if e, err = scan.next(); err != nil {
			break
		}
		if _, err = e.stored(f); err == nil {
			done.Answers++
		}
		err = errors.Join(note(err), ctx.Err())
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// verifyCompacted reads the index and every span of a compacted segment.
func (l *Log) verifyCompacted(ctx context.Context, f *os.File, s segment, note func(error) error, done *Verified) error {
	entries, err := l.readCompacted(f, s.number)
	if err != nil || len(entries) == 0 {
		return err
	}
	done.Answers += len(entries)
	for _, at := range entries[0].packed.spans {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := l.decompress(f, at.offset, at.stored, at.crc); err != nil {
			if err := note(&DamageError{File: f.Name(), Offset: at.offset, Reason: "content of bodies: " + err.Error()}); err != nil {
				return err
			}
		}
	}
	return nil
}

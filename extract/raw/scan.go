package raw

import (
	"errors"
	"io"
	"os"

	"github.com/go-json-experiment/json"
)

// A scanner walks the entries of one segment, reading headers and skipping
// bodies.
type scanner struct {
	file   *os.File
	number uint64
	last   bool  // of the log's last segment: it may be open and have a torn tail
	size   int64 // of the file when the scan began
	zeros  int64 // from here on the file is zeros
	offset int64 // of the next entry
	buf    []byte
	bufAt  int64
	sealed bool // the end mark was met
}

// scanAhead is how much is read at once: a header fits, a body is skipped.
const scanAhead = 4 << 10

// newScanner returns a scanner of the first size bytes of the open segment f,
// from offset on; 0 means its first entry. A last segment without a complete
// head has no entries: offset stays 0.
func newScanner(f *os.File, number uint64, last bool, offset, size int64) (_ *scanner, err error) {
	s := &scanner{file: f, number: number, last: last, size: size, zeros: size, offset: offset, buf: make([]byte, 0, scanAhead)}
	if last {
		if s.zeros, err = trailingZeros(f, s.size); err != nil {
			return nil, err
		}
		if s.size < segmentHeaderLen || s.zeros == 0 {
			s.size = 0
			if offset > 0 {
				return nil, s.damage("the file ends before it")
			}
			return s, nil
		}
	}
	head, err := s.bytes(0, segmentHeaderLen)
	if err != nil {
		return nil, err
	}
	if v, err := checkSegmentHeader(head, f.Name(), number); err != nil {
		return nil, err
	} else if compactedVersion(v) {
		return nil, s.damage("it is compacted, which the last segment never is: those behind it are missing")
	}
	s.offset = max(offset, segmentHeaderLen)
	return s, nil
}

// next returns the next entry, or io.EOF after the last complete one.
func (s *scanner) next() (Entry, error) {
	switch left := s.size - s.offset; {
	case s.sealed && left > 0:
		return Entry{}, s.damage("bytes after the end mark")
	case s.sealed, left == 0 && s.last:
		return Entry{}, io.EOF
	case left < 0:
		return Entry{}, s.damage("the file ends before it")
	case left < prefixLen && s.last:
		return Entry{}, io.EOF
	}
	b, err := s.bytes(s.offset, prefixLen)
	if err != nil {
		return Entry{}, err
	}
	p, ok := parsePrefix(b)
	end := s.offset + p.length()
	switch {
	case !ok:
		return Entry{}, s.tornAt(s.offset+prefixLen-1, "no entry begins here")
	case p.magic == endMagic && p.length() > prefixLen:
		return Entry{}, s.damage("end mark with a length")
	case p.magic == endMagic:
		s.sealed, s.offset = true, end
		return s.next()
	case p.headerLen > maxHeader || p.bodyLen > maxBody:
		return Entry{}, s.damage("header or body is too long")
	case end > s.size && s.last:
		return Entry{}, io.EOF
	case end > s.size:
		return Entry{}, s.damage("the segment is cut off")
	}
	return s.entry(p, end)
}

// entry reads the header of the entry at s.offset, which ends at end.
func (s *scanner) entry(p prefix, end int64) (Entry, error) {
	head, err := s.bytes(s.offset+prefixLen, int(p.headerLen))
	if err != nil {
		return Entry{}, err
	}
	if checksum(head) != p.headerCRC {
		return Entry{}, s.tornAt(end-minZeros, "header checksum does not match")
	}
	e := Entry{
		Position: Position{s.number, s.offset},
		Next:     Position{s.number, end},
		Stored:   int64(p.bodyLen),
		path:     s.file.Name(),
		Erased:   p.magic == erasedMagic,
		headCRC:  p.headerCRC,
		bodyCRC:  p.bodyCRC,
	}
	if err := json.Unmarshal(head, &e.Header); err != nil {
		return Entry{}, s.damage("header: " + err.Error())
	}
	if end-minZeros >= s.zeros {
		if _, err := e.stored(s.file); err != nil {
			return Entry{}, s.tornAt(end-minZeros, "body checksum does not match")
		}
	}
	s.offset = end
	return e, nil
}

// minZeros is how many zeros at its end make a body suspect: neither gzip nor
// zstd ends so.
const minZeros = 16

// tornAt returns io.EOF if the last segment is zeros from at to its end, which a
// crash leaves, else damage.
func (s *scanner) tornAt(at int64, reason string) error {
	if s.last && at >= s.zeros {
		return io.EOF
	}
	return s.damage(reason)
}

func (s *scanner) damage(reason string) error {
	return &DamageError{File: s.file.Name(), Offset: s.offset, Reason: reason}
}

// bytes returns n bytes at offset, valid until the next call.
func (s *scanner) bytes(offset int64, n int) ([]byte, error) {
	if from := offset - s.bufAt; from >= 0 && from+int64(n) <= int64(len(s.buf)) {
		return s.buf[from : from+int64(n)], nil
	}
	if n > cap(s.buf) {
		s.buf = make([]byte, 0, n)
	}
	got, err := s.file.ReadAt(s.buf[:cap(s.buf)], offset)
	s.buf, s.bufAt = s.buf[:got], offset
	switch {
	case got >= n:
		return s.buf[:n], nil
	case errors.Is(err, io.EOF):
		return nil, s.damage("the segment is cut off")
	}
	return nil, wrap(err)
}

// trailingZeros returns where the zeros begin that end the file.
func trailingZeros(f *os.File, size int64) (int64, error) {
	buf := make([]byte, scanAhead)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil {
			return 0, wrap(err)
		}
		for ; n > 0; n, size = n-1, size-1 {
			if buf[n-1] != 0 {
				return size, nil
			}
		}
	}
	return 0, nil
}

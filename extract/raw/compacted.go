package raw

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// A compacted segment stands in the place of a segment that was closed, under
// its name and number, with the same entries at the same positions. Its entries
// lie together, compressed, their headers column by column; what their bodies
// repeat is there once, in spans of content; and the bodies of answers that
// changed nothing are gone. docs/raw-log.md has the format byte by byte.
const (
	versionCompacted = 2

	// An erased answer is understood by programs that know these, and others refuse.
	versionErased          = 3 // as version
	versionCompactedErased = 4 // as versionCompacted
	newestVersion          = versionCompactedErased

	erasedSpan = -1 // of an erased answer, in the place of a span

	footMagic = "dxCF"
	footLen   = 4 + 8 + 4 + 4 + 4
)

// A DroppedError says that compaction has dropped a body: its answer changed
// nothing in the lake. All else about the answer is in its header.
type DroppedError struct {
	Position Position
	Rejected int // records that could not become rows, all of them known before
}

func (e *DroppedError) Error() string {
	return fmt.Sprintf("raw log entry %s: its body was dropped by compaction, because it changed nothing", e.Position)
}

// A compacted is what the entries of one compacted segment share.
type compacted struct {
	log      *Log
	path     string
	original struct { // the segment as it was
		length int64
		sha256 []byte
	}
	spans []span
}

// A span is content that was compressed as one.
type span struct {
	offset, stored, plain int64
	crc                   uint32 // of the stored bytes
}

// A packed is where an entry of a compacted segment has its body.
type packed struct {
	*compacted
	span     int64 // place in spans, from 1; 0: the body was dropped; erasedSpan
	runs     []run
	crc      uint32 // of the plain body
	rejected int64  // of a dropped one
}

// readCompacted reads the head, foot and index of the compacted segment number
// in f and returns its entries.
func (l *Log) readCompacted(f *os.File, number uint64) ([]Entry, error) {
	damage := func(offset int64, reason string) error {
		return &DamageError{File: f.Name(), Offset: offset, Reason: reason}
	}
	size, err := fileSize(f)
	if err != nil {
		return nil, err
	}
	if size < segmentHeaderLen+footLen {
		return nil, damage(size, "the segment is cut off")
	}
	head := make([]byte, segmentHeaderLen)
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, wrap(err)
	}
	if _, err := checkSegmentHeader(head, f.Name(), number); err != nil {
		return nil, err
	}
	var foot [footLen]byte
	if _, err := f.ReadAt(foot[:], size-footLen); err != nil {
		return nil, wrap(err)
	}
	offset, length := int64(binary.LittleEndian.Uint64(foot[4:])), int64(binary.LittleEndian.Uint32(foot[12:]))
	switch {
	case string(foot[:4]) != footMagic:
		return nil, damage(size-footLen, "a compacted segment does not end here: it is cut off or longer than it was")
	case !intact(foot[:]):
		return nil, damage(size-footLen, "checksum of its end does not match")
	case offset < segmentHeaderLen || offset+length != size-footLen:
		return nil, damage(size-footLen, "its index does not fit")
	}
	plain, err := l.decompress(f, offset, length, binary.LittleEndian.Uint32(foot[16:]))
	if err != nil {
		return nil, damage(offset, "index: "+err.Error())
	}
	s := &compacted{log: l, path: f.Name()}
	entries, err := s.parse(plain, number, offset)
	if err != nil {
		return nil, damage(offset, "index: "+err.Error())
	}
	return entries, nil
}

// fits reports whether p lies within its span.
func (p *packed) fits() bool {
	if p.span == 0 || p.span == erasedSpan {
		return len(p.runs) == 0
	}
	if p.span < 0 || p.span > int64(len(p.spans)) {
		return false
	}
	content, body := p.spans[p.span-1].plain, int64(0)
	for _, r := range p.runs {
		if r.start < 0 || r.length <= 0 || r.start > content || r.length > content-r.start {
			return false
		}
		if body += r.length; body > maxPlain {
			return false
		}
	}
	return true
}

// plain returns the body of e, which has at most limit bytes.
func (p *packed) plain(e Entry, limit int64) ([]byte, error) {
	if p.span == 0 {
		return nil, &DroppedError{Position: e.Position, Rejected: int(p.rejected)}
	}
	var length int64
	for _, r := range p.runs {
		length += r.length
	}
	if length > limit {
		return nil, &TooLongError{limit}
	}
	at := p.spans[p.span-1]
	content, err := p.log.spans.content(p.path, at, func() ([]byte, error) { return p.readSpan(at) })
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, length)
	for _, r := range p.runs {
		body = append(body, content[r.start:r.start+r.length]...)
	}
	if checksum(body) != p.crc {
		return nil, e.damage("body checksum does not match")
	}
	if e.Encoding != encodingGzip && (e.Length != int64(len(body)) || e.SHA256 != digest(body)) {
		return nil, e.damage("body is not the one received: SHA-256 or length differs")
	}
	return body, nil
}

func (p *packed) readSpan(at span) ([]byte, error) {
	f, err := os.Open(p.path)
	if err != nil {
		return nil, wrap(err)
	}
	defer f.Close()
	content, err := p.log.decompress(f, at.offset, at.stored, at.crc)
	if err == nil {
		content, err = putIDs(content, at.plain)
	}
	if err != nil {
		return nil, &DamageError{File: p.path, Offset: at.offset, Reason: "content of bodies: " + err.Error()}
	}
	return content, nil
}

// decompress reads length bytes at offset, which have the checksum crc.
func (l *Log) decompress(f *os.File, offset, length int64, crc uint32) ([]byte, error) {
	stored := make([]byte, length)
	if _, err := f.ReadAt(stored, offset); errors.Is(err, io.EOF) {
		return nil, errors.New("it is cut off")
	} else if err != nil {
		return nil, err
	}
	if checksum(stored) != crc {
		return nil, errors.New("its checksum does not match")
	}
	z, err := l.decoder()
	if err != nil {
		return nil, err
	}
	return z.DecodeAll(stored, nil)
}

// compactedEntries yields the entries of the compacted segment s in f from
// offset on and reports whether the iteration goes on.
func (l *Log) compactedEntries(f *os.File, s segment, offset int64, yield func(Entry, error) bool) bool {
	entries, err := l.readCompacted(f, s.number)
	if err != nil {
		yield(Entry{}, err)
		return false
	}
	from, found := 0, offset <= segmentHeaderLen
	if !found {
		from, found = slices.BinarySearchFunc(entries, offset, func(e Entry, offset int64) int {
			return cmp.Compare(e.Position.Offset, offset)
		})
		n := len(entries)
		found = found || n > 0 && from == n && entries[n-1].Next.Offset == offset
	}
	if !found {
		yield(Entry{}, &DamageError{File: s.path, Offset: offset, Reason: "no entry begins here"})
		return false
	}
	for _, e := range entries[from:] {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// versionOf returns the version of the segment f; 0 for a head that is none, which is
// left to who reads the segment.
func versionOf(f *os.File) uint32 {
	head := make([]byte, segmentHeaderLen)
	if _, err := f.ReadAt(head, 0); err != nil || !bytes.HasPrefix(head, []byte(segmentMagic)) || !intact(head) {
		return 0
	}
	return binary.LittleEndian.Uint32(head[8:])
}

func compactedVersion(v uint32) bool { return v == versionCompacted || v == versionCompactedErased }

// isCompacted reports whether f is a compacted segment.
func isCompacted(f *os.File) bool { return compactedVersion(versionOf(f)) }

// replaced finds the entry in f if its segment was compacted, or answers in it were
// erased, since e was read.
func (e Entry) replaced(f *os.File) (Entry, bool, error) {
	switch v := versionOf(f); {
	case v == versionErased:
		return e.replacedPlain(f)
	case !compactedVersion(v):
		return e, false, nil
	}
	entries, err := e.log.readCompacted(f, e.Position.Segment)
	if err != nil {
		return e, false, err
	}
	for _, now := range entries {
		if now.Position == e.Position && now.RequestID == e.RequestID {
			return now, true, nil
		}
	}
	return e, false, e.damage("the compacted segment lacks it")
}

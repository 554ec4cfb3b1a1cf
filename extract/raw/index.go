package raw

import (
	"encoding/binary"
	"errors"
	"slices"
)

// entryColumns moves an entry; last is the one before it in the segment.
func entryColumns(c *columns, e, last *Entry) {
	c.begin()
	length := e.Next.Offset - e.Position.Offset
	c.int(&length)
	e.Position.Offset = last.Next.Offset
	e.Next.Offset = e.Position.Offset + length
	for _, text := range []*string{&e.RequestID, &e.RunID, &e.ParticipantID, &e.ConnectionID, &e.Resource, &e.Beat, &e.Encoding, &e.SHA256} {
		c.text(text)
	}
	c.time(&e.AskedAt, last.AskedAt)
	c.time(&e.ServerDate, e.AskedAt)
	c.time(&e.WindowStart, e.AskedAt)
	c.time(&e.WindowEnd, e.AskedAt)
	c.time(&e.LastSync, e.AskedAt)
	status, records := int64(e.Status), int64(e.Records)
	c.int(&status)
	c.int(&e.Length)
	c.int(&records)
	e.Status, e.Records = int(status), int(records)
	packedColumns(c, e.packed)
}

func packedColumns(c *columns, p *packed) {
	crc, n := int64(p.crc), int64(len(p.runs))
	c.int(&p.span)
	c.int(&p.rejected)
	c.int(&crc)
	c.int(&n)
	p.crc = uint32(crc)
	if c.reading && n > 0 && n <= int64(len(c.all[c.next].varints)) {
		p.runs = make([]run, n)
	} else if c.reading && n != 0 {
		c.bad = true
	}
	place, end := c.next, int64(0)
	for i := range p.runs {
		r := &p.runs[i]
		c.next = place
		distance := r.start - end
		c.int(&distance)
		r.start = end + distance
		c.int(&r.length)
		end = r.start + r.length
	}
	c.next = place + 2
}

// appendIndex appends what stands in front of the entries' columns, and these.
func (s *compacted) appendIndex(b []byte, entries []Entry) []byte {
	b = binary.AppendUvarint(b, uint64(s.original.length))
	b = append(b, s.original.sha256...)
	b = binary.AppendUvarint(b, uint64(len(s.spans)))
	for _, p := range s.spans {
		b = binary.AppendUvarint(b, uint64(p.stored))
		b = binary.AppendUvarint(b, uint64(p.plain))
		b = binary.AppendUvarint(b, uint64(p.crc))
	}
	b = binary.AppendUvarint(b, uint64(len(entries)))
	var c columns
	c.begin()
	last := &Entry{Next: Position{Offset: segmentHeaderLen}}
	for i := range entries {
		entryColumns(&c, &entries[i], last)
		last = &entries[i]
	}
	return c.append(b)
}

// parse reads a plain index. The spans end where the index begins.
func (s *compacted) parse(b []byte, number uint64, spansEnd int64) ([]Entry, error) {
	var c columns
	s.original.length = int64(c.uvarint(&b))
	if len(b) < 32 {
		return nil, errColumns
	}
	s.original.sha256, b = slices.Clone(b[:32]), b[32:]
	at := int64(segmentHeaderLen)
	for n := c.uvarint(&b); n > 0 && !c.bad; n-- {
		p := span{offset: at, stored: int64(c.uvarint(&b)), plain: int64(c.uvarint(&b)), crc: uint32(c.uvarint(&b))}
		if p.stored < 0 || p.stored > spansEnd-at || p.plain < 0 {
			return nil, errors.New("its spans do not fit")
		}
		s.spans = append(s.spans, p)
		at += p.stored
	}
	n := c.uvarint(&b)
	if c.bad || at != spansEnd || n > uint64(len(b)) {
		return nil, errors.New("its spans do not fit")
	}
	return s.entries(b, number, int(n))
}

// entries reads n entries out of columns.
func (s *compacted) entries(b []byte, number uint64, n int) ([]Entry, error) {
	c, err := readColumns(b)
	if err != nil {
		return nil, err
	}
	entries, bodies := make([]Entry, n), make([]packed, n)
	last := &Entry{Next: Position{Offset: segmentHeaderLen}}
	for i := range entries {
		e := &entries[i]
		bodies[i].compacted = s
		e.packed, e.log, e.path = &bodies[i], s.log, s.path
		e.Position.Segment, e.Next.Segment = number, number
		entryColumns(c, e, last)
		if c.bad || e.Next.Offset <= e.Position.Offset || !e.packed.fits() {
			return nil, errColumns
		}
		e.Erased = e.packed.span == erasedSpan
		last = e
	}
	return entries, nil
}

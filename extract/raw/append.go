package raw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// ErrClosed is the error of an append to a closed log.
var ErrClosed = errors.New("raw log is closed")

// Append writes an answer at the end of the log and returns once it is durable.
// Concurrent calls share one fsync. The body is as received: one that begins
// like gzip is stored as it is, any other is stored as zstd. Append fills
// SHA256, Length, Encoding and, if it is empty, RequestID (from AskedAt, which
// must be set); times are cut to microseconds. It keeps no reference to body.
//
// A context that ends while the call waits for its turn ends the call with the
// context's error and nothing is written; once writing has begun the call waits
// for its outcome.
func (l *Log) Append(ctx context.Context, h Header, body []byte) (Entry, error) {
	p, err := l.encode(h, body)
	if err != nil {
		return Entry{}, err
	}
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	if err := l.submit(ctx, p); err != nil {
		return Entry{}, err
	}
	return p.entry, p.err
}

// pending is one append that waits for its outcome, or somebody who waits for
// the lead alone: that one has no bytes.
type pending struct {
	bytes []byte // prefix, header and body
	entry Entry  // positions are set when it is written
	err   error
	done  chan struct{} // closed when entry and err are final
	lead  chan struct{} // closed when it is this one's turn to write
}

func newPending() *pending {
	return &pending{done: make(chan struct{}), lead: make(chan struct{})}
}

// enqueue puts p at the end of the queue, which may be the last it takes.
func (l *Log) enqueue(p *pending, last bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.closed = last
	l.queue = append(l.queue, p)
	if !l.leading {
		l.leading = true
		close(p.lead)
	}
	return nil
}

// newEncoder compresses answers. They repeat themselves within a few records: the
// fastest level finds that, and a window that stays in the cache makes less of them
// than a larger one.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(128<<10))
}

var gzipMagic = []byte{0x1f, 0x8b}

// encode turns an answer into the bytes of its entry.
func (l *Log) encode(h Header, body []byte) (*pending, error) {
	h, err := h.complete()
	if err != nil {
		return nil, err
	}
	h.SHA256, h.Length, h.Encoding = digest(body), int64(len(body)), encodingZstd
	room := len(body) / 8 // what is packed takes less
	if bytes.HasPrefix(body, gzipMagic) {
		h.Encoding, room = encodingGzip, len(body)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("raw log header: %w", err)
	}
	p := newPending()
	from := prefixLen + len(head)
	if p.bytes, err = l.appendStored(append(make([]byte, prefixLen, from+room), head...), h.Encoding, body); err != nil {
		return nil, err
	}
	stored := p.bytes[from:]
	if len(head) > maxHeader || len(stored) > maxBody {
		return nil, fmt.Errorf("raw log: header of %d bytes or body of %d bytes is too long", len(head), len(stored))
	}
	pre := prefix{entryMagic, uint32(len(head)), uint32(len(stored)), checksum(head), checksum(stored)}
	pre.append(p.bytes[:0])
	p.entry = Entry{Header: h, Stored: int64(len(stored)), headCRC: pre.headerCRC, bodyCRC: pre.bodyCRC, log: l}
	return p, nil
}

// appendStored appends body to b as it is stored.
func (l *Log) appendStored(b []byte, encoding string, body []byte) ([]byte, error) {
	if encoding == encodingGzip {
		return append(b, body...), nil
	}
	z, err := l.encoder()
	if err != nil {
		return nil, wrap(err)
	}
	return z.EncodeAll(body, b), nil
}

// submit queues p and returns when its outcome is known, after leading if the
// lead came to it. An error means that p was taken from the queue unwritten.
func (l *Log) submit(ctx context.Context, p *pending) error {
	if err := l.enqueue(p, false); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-p.lead:
	case <-ctx.Done():
		if l.withdraw(p) {
			return ctx.Err()
		}
		select {
		case <-p.done:
			return nil
		case <-p.lead:
		}
	}
	l.leadOnce()
	return nil
}

// withdraw takes p from the queue and reports whether it was still there. The
// one who was given the lead stays: it writes the queue.
func (l *Log) withdraw(p *pending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-p.lead:
		return false
	default:
	}
	i := slices.Index(l.queue, p)
	if i < 0 {
		return false
	}
	l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
	return true
}

// maxGroup is the number of bytes from which on no more entries join a group.
const maxGroup = 16 << 20

// leadOnce writes the head of the queue and hands the lead to the next that
// waits.
func (l *Log) leadOnce() {
	l.mu.Lock()
	n, size := 0, 0
	for n < len(l.queue) && size < maxGroup && l.queue[n].bytes != nil {
		size += len(l.queue[n].bytes)
		n++
	}
	group := l.queue[:n:n]
	l.queue = l.queue[n:]
	l.mu.Unlock()

	l.writeGroup(group)
	for _, p := range group {
		close(p.done)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	l.passLead()
}

// passLead hands the lead to the next that waits. The caller holds mu.
func (l *Log) passLead() {
	if len(l.queue) > 0 {
		close(l.queue[0].lead)
	} else {
		l.leading = false
	}
}

// writeGroup writes group under the lock and sets the outcome of each.
func (l *Log) writeGroup(group []*pending) {
	err := flock(l.lock, syscall.LOCK_EX)
	if err == nil {
		defer flock(l.lock, syscall.LOCK_UN) //nolint:errcheck // the next flock on it says the same
		err = l.catchUp()
	}
	for len(group) > 0 {
		if err == nil && l.full(group[0]) {
			err = l.roll(group[0].entry.AskedAt)
		}
		n := 1
		if err == nil {
			n, err = l.writeRun(group)
		}
		for _, p := range group[:n] {
			p.err = err
		}
		group = group[n:]
	}
}

// full reports whether p must go to a new segment.
func (l *Log) full(p *pending) bool {
	t := &l.tail
	return t.file == nil || t.sealed ||
		t.end > segmentHeaderLen && t.end+int64(len(p.bytes))+prefixLen > l.maxSegment
}

// writeRun writes as many of group as the last segment takes, at least one, and
// returns how many it was.
func (l *Log) writeRun(group []*pending) (int, error) {
	end := l.tail.end
	var run []byte // of one entry alone it is no copy
	n := 0
	for _, p := range group {
		next := end + int64(len(run)+len(p.bytes))
		if n > 0 && next+prefixLen > l.maxSegment {
			break
		}
		p.entry.Position = Position{l.tail.number, end + int64(len(run))}
		p.entry.Next = Position{l.tail.number, next}
		p.entry.path = l.tail.file.Name()
		if n++; n == 1 {
			run = slices.Clip(p.bytes)
		} else {
			run = append(run, p.bytes...)
		}
	}
	return n, l.write(run)
}

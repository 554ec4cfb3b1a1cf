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

func newEncoder() (*zstd.Encoder, error) { return zstd.NewWriter(nil) }

var gzipMagic = []byte{0x1f, 0x8b}

// encode turns an answer into the bytes of its entry.
func (l *Log) encode(h Header, body []byte) (*pending, error) {
	h, err := h.complete()
	if err != nil {
		return nil, err
	}
	h.SHA256, h.Length, h.Encoding = digest(body), int64(len(body)), encodingGzip
	if !bytes.HasPrefix(body, gzipMagic) {
		z, err := l.encoder()
		if err != nil {
			return nil, wrap(err)
		}
		body, h.Encoding = z.EncodeAll(body, nil), encodingZstd
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("raw log header: %w", err)
	}
	if len(head) > maxHeader || len(body) > maxBody {
		return nil, fmt.Errorf("raw log: header of %d bytes or body of %d bytes is too long", len(head), len(body))
	}
	pre := prefix{entryMagic, uint32(len(head)), uint32(len(body)), checksum(head), checksum(body)}
	p := newPending()
	p.bytes = append(append(pre.append(make([]byte, 0, pre.length())), head...), body...)
	p.entry = Entry{Header: h, Stored: int64(len(body)), headCRC: pre.headerCRC, bodyCRC: pre.bodyCRC, log: l}
	return p, nil
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
	var run []byte
	n := 0
	for _, p := range group {
		next := end + int64(len(run)+len(p.bytes))
		if n > 0 && next+prefixLen > l.maxSegment {
			break
		}
		p.entry.Position = Position{l.tail.number, end + int64(len(run))}
		p.entry.Next = Position{l.tail.number, next}
		p.entry.path = l.tail.file.Name()
		run = append(run, p.bytes...)
		n++
	}
	return n, l.write(run)
}

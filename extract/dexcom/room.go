package dexcom

import (
	"context"
	"slices"
	"sync"
)

// How much memory the bodies of this process may take, from their first byte until
// they are kept.
const (
	roomBytes  = 256 << 20
	elderBytes = 4 * DefaultMaxBody // of them, more than one body may take: see Room
)

// A Room is memory that bodies share. A body takes it piece by piece, as it grows,
// and waits where there is none. So that not all of them wait for each other, the
// first one that finds none left never waits again: what it may take is set apart.
// When it leaves, that is the next one's. The others are served in the order in
// which they came.
type Room struct {
	mu      sync.Mutex
	free    int64 // below 0: the elder has some of what is set apart
	elder   *place
	waiting []*claim
}

// NewRoom returns a Room of bytes, beside what is set apart for one body.
func NewRoom(bytes int64) *Room { return &Room{free: bytes} }

// defaultRoom is that of the process.
var defaultRoom = sync.OnceValue(func() *Room { return NewRoom(roomBytes - elderBytes) })

// A place is what one body takes of a Room. It is one goroutine's at a time.
type place struct {
	room  *Room
	bytes int64
}

// A claim waits for more.
type claim struct {
	of      *place
	bytes   int64
	granted chan struct{}
}

// tryTake takes bytes if that needs no waiting.
func (p *place) tryTake(bytes int64) bool {
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) > 0 && r.elder != p {
		return false
	}
	return r.grant(p, bytes)
}

// take takes bytes, or waits for them until ctx ends: then it takes nothing.
func (p *place) take(ctx context.Context, bytes int64) error {
	if p.tryTake(bytes) {
		return nil
	}
	r, c := p.room, &claim{p, bytes, make(chan struct{})}
	r.mu.Lock()
	r.waiting = append(r.waiting, c)
	r.serve()
	r.mu.Unlock()
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, c); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
	} else {
		r.back(p, bytes) // granted at the same moment
	}
	r.serve()
	return ctx.Err()
}

// give gives bytes back.
func (p *place) give(bytes int64) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.room.back(p, bytes)
	p.room.serve()
}

// leave gives back all there is.
func (p *place) leave() { p.give(p.bytes) }

// The caller of what follows holds mu.

// grant gives bytes to p if there are any, or if p is the elder, or becomes it.
func (r *Room) grant(p *place, bytes int64) bool {
	switch {
	case r.free >= bytes || r.elder == p:
	case r.elder == nil:
		r.elder = p
	default:
		return false
	}
	r.free -= bytes
	p.bytes += bytes
	return true
}

func (r *Room) back(p *place, bytes int64) {
	r.free += bytes
	p.bytes -= bytes
	if p.bytes == 0 && r.elder == p {
		r.elder = nil
	}
}

// serve grants what is waited for, in order.
func (r *Room) serve() {
	for len(r.waiting) > 0 && r.grant(r.waiting[0].of, r.waiting[0].bytes) {
		close(r.waiting[0].granted)
		r.waiting = r.waiting[1:]
	}
}

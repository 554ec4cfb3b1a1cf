package raw

import "sync"

// A spanCache holds the spans read last: entries that follow one another have
// their bodies in the same one.
type spanCache struct {
	mu   sync.Mutex
	held []heldSpan // the newest last
}

type heldSpan struct {
	path    string
	span    span
	content []byte
}

// heldSpans is how many spans are kept: readers in parallel are at the end of
// one and the beginning of the next.
const heldSpans = 2

// content returns the content of a span, from read if it is not held. Who asks
// for the same one meanwhile waits.
func (c *spanCache) content(path string, at span, read func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.held {
		if h.path == path && h.span == at {
			return h.content, nil
		}
	}
	content, err := read()
	if err != nil {
		return nil, err
	}
	if len(c.held) == heldSpans {
		c.held = append(c.held[:0], c.held[1:]...)
	}
	c.held = append(c.held, heldSpan{path, at, content})
	return content, nil
}

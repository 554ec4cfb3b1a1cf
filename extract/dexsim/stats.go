package dexsim

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Stats counts what was asked of the server.
type Stats struct {
	Requests     map[string]map[int]int // by method and path, then status
	Calls        int                    // data calls that counted against the hourly limit
	OpenMax      int                    // most requests open at once
	OverlapsOpen int                    // windows asked while one overlapping it was open, same user and resource
	Repeats      int                    // complete answers to windows that had been answered completely before
	Reused       int                    // refresh tokens presented after they had been spent
	Refreshes    int                    // refresh tokens exchanged
	Codes        int                    // authorization codes exchanged
}

// tally counts, and remembers which records have been served.
type tally struct {
	limit int
	mu    sync.Mutex
	stats Stats
	open  int
	hour  int64
	calls int // in hour
	// by user and resource
	asking map[string][]interval
	served map[string]bitset
	// by question
	whole map[string]bool
}

func newTally(limit int) *tally {
	return &tally{
		limit: limit, stats: Stats{Requests: map[string]map[int]int{}},
		asking: map[string][]interval{}, served: map[string]bitset{}, whole: map[string]bool{},
	}
}

// count changes t, alone.
func (t *tally) count(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
}

func (t *tally) opened() {
	t.count(func() {
		t.open++
		t.stats.OpenMax = max(t.stats.OpenMax, t.open)
	})
}

func (t *tally) closed() { t.count(func() { t.open-- }) }

// call counts a data call; false means that the hour's calls are used up.
func (t *tally) call(now int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if this := now / hour; this != t.hour {
		t.hour, t.calls = this, 0
	}
	if t.calls >= t.limit {
		return false
	}
	t.calls++
	t.stats.Calls++
	return true
}

// ask notes that q is open until the function it returns is called, the first
// time.
func (t *tally) ask(q question) func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := q.person.name + "|" + q.resource
	if slices.ContainsFunc(t.asking[key], func(o interval) bool { return o.from < q.window.to && q.window.from < o.to }) {
		t.stats.OverlapsOpen++
	}
	t.asking[key] = append(t.asking[key], q.window)
	return sync.OnceFunc(func() {
		t.count(func() {
			i := slices.Index(t.asking[key], q.window)
			t.asking[key] = slices.Delete(t.asking[key], i, i+1)
		})
	})
}

// answered notes that q got its whole answer.
func (t *tally) answered(q question, v view, hits []hit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.window != (interval{}) {
		if t.whole[q.key()] {
			t.stats.Repeats++
		}
		t.whole[q.key()] = true
	}
	key := q.person.name + "|" + q.resource
	set := t.served[key]
	for _, x := range hits {
		set = set.with(x.index)
	}
	t.served[key] = set
}

// Stats is a copy of the counts so far.
func (s *Server) Stats() Stats {
	t := s.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.stats
	c.Requests = make(map[string]map[int]int, len(t.stats.Requests))
	for path, byStatus := range t.stats.Requests {
		c.Requests[path] = maps.Clone(byStatus)
	}
	return c
}

func (s *Server) writeStats(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s.Stats())
}

// Served lists the ids of the readable records of a resource (egvs, events,
// calibrations, alerts) that a complete answer has held so far.
func (s *Server) Served(user, resource string) []string {
	p := s.person(user)
	if p == nil {
		return nil
	}
	_, entry := s.viewOf(p, s.now()).entries(resource)
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	var ids []string
	for _, i := range s.tally.served[p.name+"|"+resource].members() {
		if e := entry(i); e.written(0).how.bad == readable {
			ids = append(ids, e.id(p))
		}
	}
	return ids
}

// bitset is a set of small numbers.
type bitset []uint64

func (b bitset) with(n int) bitset {
	for len(b) <= n/64 {
		b = append(b, 0)
	}
	b[n/64] |= 1 << (n % 64)
	return b
}

func (b bitset) members() []int {
	var list []int
	for n := range 64 * len(b) {
		if b[n/64]&(1<<(n%64)) != 0 {
			list = append(list, n)
		}
	}
	return list
}

// counted counts the status that is sent, as soon as it is.
type counted struct {
	http.ResponseWriter
	tally *tally
	path  string
	once  sync.Once
}

func (c *counted) WriteHeader(status int) {
	c.count(status)
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(p []byte) (int, error) {
	c.count(http.StatusOK)
	return c.ResponseWriter.Write(p)
}

func (c *counted) count(status int) {
	c.once.Do(func() {
		c.tally.count(func() {
			requests := c.tally.stats.Requests
			if requests[c.path] == nil {
				requests[c.path] = map[int]int{}
			}
			requests[c.path][status]++
		})
	})
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

package api

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// keyInFlight is how many requests of a key are answered at a time: a quarter of all, so
// that a key whose requests take long leaves others room.
const keyInFlight = usualInFlight / 4

// shares are what is left to each key: so many requests at once, and as many a minute
// after that.
type shares struct {
	perMinute int
	mu        sync.Mutex
	each      map[int64]*rate.Limiter // by key, of which there are few
	inFlight  map[int64]int           // by key
}

// enter counts a request of a key until it leaves, or says that there are too many.
func (s *shares) enter(key int64) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight == nil {
		s.inFlight = make(map[int64]int)
	}
	if s.inFlight[key] >= keyInFlight {
		return nil, &Problem{Status: http.StatusTooManyRequests, Detail: "too many requests with this key at a time: wait", RetryAfter: time.Second}
	}
	s.inFlight[key]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight[key]--
	}, nil
}

// byLinkToken is in the place of the key where callers have none: all of them share what
// one key has.
const byLinkToken = 0

// take takes one request of a key's share, or says when there is one again.
func (s *shares) take(key int64, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.each == nil {
		s.each = make(map[int64]*rate.Limiter)
	}
	if s.each[key] == nil {
		s.each[key] = rate.NewLimiter(rate.Limit(float64(s.perMinute)/60), s.perMinute)
	}
	booked := s.each[key].ReserveN(now, 1)
	wait := booked.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	booked.CancelAt(now)
	return &Problem{Status: http.StatusTooManyRequests, Detail: "too many requests: wait", RetryAfter: wait}
}

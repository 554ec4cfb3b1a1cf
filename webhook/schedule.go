package webhook

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// retries are how long after a failed attempt the next one is made; after the last one
// again so long.
func retries() []time.Duration {
	return []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour}
}

// Attempts are how many are made of an event that an endpoint refuses while it takes
// others.
const Attempts = 8

// GiveUpAfter is how long nothing succeeds until an endpoint is disabled.
const GiveUpAfter = 5 * 24 * time.Hour

// jitter is by how much of itself a wait grows at most, so that what failed at once is
// not tried again at once.
const jitter = 0.1

// backoff is how long to wait after so many failed attempts.
func backoff(attempts int, chance func() float64) time.Duration {
	all := retries()
	wait := all[min(max(attempts, 1), len(all))-1]
	if chance == nil {
		chance = rand.Float64
	}
	return wait + time.Duration(jitter*chance()*float64(wait))
}

// longestWait bounds what a Retry-After can ask for.
const longestWait = 10 * time.Hour

// retryAfter is how long an answer asks to wait, in seconds or until a date; 0: it does
// not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(0, time.Duration(seconds)*time.Second), longestWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), longestWait)
	}
	return 0
}

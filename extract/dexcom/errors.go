package dexcom

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A StatusError is an answer from the API other than 200.
type StatusError struct {
	Path       string
	Code       int           // HTTP status
	RetryAfter time.Duration // from Retry-After in seconds or as a date; 0: none sent
	Detail     string        // what the body says, for the operator: see Words; may be HTML
}

func (e *StatusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("GET %s: %d %s", e.Path, e.Code, http.StatusText(e.Code)), " ")
}

// Temporary reports whether the same request may succeed later: 408, 425,
// 429 and every 5xx.
func (e *StatusError) Temporary() bool {
	switch e.Code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return e.Code >= 500
}

// Refused reports whether the server said that it will not answer this request:
// every 4xx that is not Temporary. Asked again it says the same.
func (e *StatusError) Refused() bool { return e.Code >= 400 && e.Code < 500 && !e.Temporary() }

// A BodyError is a 200 whose body is no answer: HTML, cut off, too large, a
// wrong envelope. It never means "no data".
type BodyError struct {
	Path   string
	Reason string // completes the sentence "200 ..."
	Err    error
}

func (e *BodyError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("GET %s: 200 %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("GET %s: 200 %s: %v", e.Path, e.Reason, e.Err)
}

// Unwrap returns what was found while reading the body, or nil.
func (e *BodyError) Unwrap() error { return e.Err }

// Renewing asks with a token, and once more with the token that renew gives in its
// place if the API refuses it (401).
func Renewing(token string, ask func(token string) (Answer, error), renew func(rejected string) (string, error)) (Answer, error) {
	answer, err := ask(token)
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Code != http.StatusUnauthorized {
		return answer, err
	}
	if token, err = renew(token); err != nil {
		return Answer{}, err
	}
	return ask(token)
}

// RetryAfter is what an answer's Retry-After asks for: seconds, or a date counted from
// the answer's own Date, so that our clock does not matter if it has one, else from now.
// Zero if it says nothing that can be read.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	const most = 1 << 30 // seconds; keeps the product inside a Duration
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, most) * float64(time.Second))
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

package state

import (
	"slices"
	"time"
)

// A Share says how many of an app's calls somebody may make. Everybody's calls count,
// whichever process and share they are of.
//
// AtOnce of an hour's calls are granted as they are asked for. The others are granted
// evenly: at the greatest pace that can be kept up from now on, without a pause, while
// what was granted before comes to count no more and what is left of AtOnce stays free.
// So the hour's calls last for the hour, and whoever comes late finds some. When what
// was granted at once counts no more, that much is granted at once again; so it is
// from the start after an hour without calls. Once the API refuses a call as one too
// many, nothing is granted at once for an hour, and all that is left is spread.
type Share struct {
	PerHour int // in any 60 minutes
	AtOnce  int // of them
}

// Lasts is how long n calls take at least, where nobody else makes any: those of each
// hour that are granted at once take no time.
func (s Share) Lasts(n int) time.Duration {
	hours := max(0, n-1) / s.PerHour // whole ones before the last
	spread := max(0, n-hours*s.PerHour-s.AtOnce)
	return time.Duration(hours)*countedFor + countedFor*time.Duration(spread)/time.Duration(max(1, s.PerHour-s.AtOnce))
}

const (
	// countedFor is how long the calls of a minute count after it began. An hour
	// would do if a call were with the API the moment it is granted; so the last call
	// of a minute has another to get there, half of it to be made and half under way.
	countedFor = 62 * time.Minute

	// lateness is how much of the even pace can be made up for by whoever asks late.
	lateness = 15 * time.Second
)

// An hour is what was granted of an app's calls and still counts, oldest first.
type hour []minute

// A minute is one of an hour.
type minute struct {
	number   int64 // since 1970
	calls    int
	atOnce   int       // of calls
	lastEven time.Time // of the others; zero: there are none
	refused  bool      // the API refused a call as one too many
}

// end is when the minute counts no more.
func (m minute) end() time.Time { return time.Unix(m.number*60, 0).Add(countedFor) }

// A grant is what an hour has for somebody: calls at once, or some that are spread, or
// a time to wait.
type grant struct {
	atOnce, evenly int
	lastEven       time.Time // of evenly
	wait           time.Duration
}

// grant returns up to n calls for s at a time.
func (h hour) grant(s Share, n int, now time.Time) grant {
	left, free := s.PerHour-h.calls(), h.free(s)
	if atOnce := min(n, left, free); atOnce > 0 {
		return grant{atOnce: atOnce}
	}
	if left <= 0 {
		oldest := slices.IndexFunc(h, func(m minute) bool { return m.calls > 0 })
		end := h[oldest].end()
		return grant{wait: end.Sub(now) + h[oldest+1:].grant(s, 1, end).wait}
	}
	each := time.Duration(float64(time.Second) / h.pace(s.PerHour-free, now))
	behind := min(now.Sub(h.lastEven().Add(each)), lateness)
	if behind < 0 {
		return grant{wait: -behind}
	}
	evenly := min(n, left, 1+int(behind/each))
	return grant{evenly: evenly, lastEven: now.Add(time.Duration(evenly-1)*each - behind)}
}

// calls are all that count.
func (h hour) calls() (n int) {
	for _, m := range h {
		n += m.calls
	}
	return n
}

// free is how many calls may still be granted at once.
func (h hour) free(s Share) int {
	free := s.AtOnce
	for _, m := range h {
		if free -= m.atOnce; free <= 0 || m.refused {
			return 0
		}
	}
	return free
}

// lastEven is the time for which the last of the even calls was granted; zero: none was.
func (h hour) lastEven() (last time.Time) {
	for _, m := range h {
		if m.lastEven.After(last) {
			last = m.lastEven
		}
	}
	return last
}

// pace is the greatest one, in calls a second, that never makes more than most calls
// count: neither whenever a minute of h is about to count no more, nor after all have.
func (h hour) pace(most int, now time.Time) float64 {
	counted := h.calls()
	pace := float64(most) / countedFor.Seconds()
	for _, m := range h {
		pace = min(pace, float64(most-counted)/m.end().Sub(now).Seconds())
		counted -= m.calls
	}
	return pace
}

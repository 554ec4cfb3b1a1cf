package answer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/call"
)

// duckDBMemory is DuckDB's part of the memory of a process. It counts what it keeps
// and sorts; not the values it is working on, nor those being written.
func duckDBMemory(all int64) string { return fmt.Sprintf("%dB", all-max(all/4, 160_000_000)) }

// A limiter ends a query that takes too long or too much. DuckDB asks now and then
// whether it was interrupted, and in places for minutes not at all; and of some
// memory it keeps no count. So the process is watched from beside it.
type limiter struct {
	memory  int64
	timeout time.Duration // 0: none
	output  *timedWriter
	rss     func() (int64, error)
}

// limitPoll is short against the time in which a process can take much memory.
const limitPoll = 10 * time.Millisecond

// watch returns when a limit is passed, with what to say.
func (l limiter) watch() error {
	began := time.Now()
	for range time.Tick(limitPoll) {
		if err := l.check(time.Since(began)); err != nil {
			return err
		}
	}
	return nil
}

// check is what is wrong after the time that passed.
func (l limiter) check(passed time.Duration) error {
	if computed := passed - l.output.waited(time.Now()); l.timeout > 0 && computed > l.timeout {
		return &TimeoutError{l.timeout}
	}
	if used, err := l.rss(); err == nil && used > l.memory {
		return &MemoryError{fmt.Sprintf("it used more than %.1f MB", float64(l.memory)/1e6)}
	}
	return nil
}

// A TimeoutError says that a statement computed for too long.
type TimeoutError struct{ Timeout time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the query was stopped: it computed for longer than --timeout %s allows; what was written is not all", call.Spell(e.Timeout))
}

// A MemoryError says that a statement needs more memory, or room on disk, than it may
// have.
type MemoryError struct{ Why string }

func (e *MemoryError) Error() string {
	return "the query was stopped for want of memory or room: " + e.Why + "; what was written is not all"
}

// A timedWriter knows how long it waited for its reader: who reads page by page must
// not lose the rest.
type timedWriter struct {
	to    io.Writer
	spent atomic.Int64 // nanoseconds, in writes that have ended
	since atomic.Int64 // when the one that has not ended began, in nanoseconds; 0: none
}

func (w *timedWriter) Write(b []byte) (int, error) {
	began := time.Now()
	w.since.Store(began.UnixNano())
	n, err := w.to.Write(b)
	w.since.Store(0)
	w.spent.Add(int64(time.Since(began)))
	return n, err
}

func (w *timedWriter) waited(now time.Time) time.Duration {
	total := time.Duration(w.spent.Load())
	if since := w.since.Load(); since > 0 {
		total += now.Sub(time.Unix(0, since))
	}
	return total
}

// residentMemory is what this process has of the machine's memory; where nobody says
// so, the most that it had.
func residentMemory() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		var size, resident int64
		_, err = fmt.Fscan(bytes.NewReader(text), &size, &resident)
		return resident * int64(os.Getpagesize()), err
	}
	var used syscall.Rusage
	err = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return used.Maxrss, err // in bytes where there is no /proc: on macOS
}

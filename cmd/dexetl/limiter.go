package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/dexetl/dexetl/extract/call"
)

const (
	defaultTimeout = time.Minute
	defaultMemory  = "2GB"
	leastMemory    = 256_000_000
)

// parseMemory reads a size such as 2GB.
func parseMemory(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > 1<<50 {
		return 0, usage("--max-memory %q: a size such as 2GB or 500MB", text)
	}
	if n < leastMemory {
		return 0, usage("--max-memory %s: not less than 256MB, of which the program itself needs a part", text)
	}
	return int64(n), nil
}

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
		return &exitError{exitStopped, "give it more time (--timeout 10m; 0s: no limit), or ask for less: one participant, fewer columns, a limit", "",
			fmt.Errorf("the query was stopped: it computed for longer than --timeout %s allows; what was written is not all", call.Spell(l.timeout))}
	}
	if used, err := l.rss(); err == nil && used > l.memory {
		return outOfMemory(fmt.Sprintf("it used more than %s", megabytes(l.memory)))
	}
	return nil
}

// outOfMemory says what to do about a query that needs more than it may have.
func outOfMemory(why string) error {
	return advised(exitUnexpected, "give it more (--max-memory 8GB), or ask for less: one participant, fewer columns, a limit",
		"the query was stopped for want of memory or room: %s; what was written is not all", why)
}

// firstLine leaves out what DuckDB advises, which nobody can do here.
func firstLine(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	return line
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

package answer

import (
	"fmt"
	"io"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	used := int64(100)
	out := &timedWriter{to: io.Discard}
	l := limiter{memory: 100, timeout: time.Minute, output: out, rss: func() (int64, error) { return used, nil }}
	for _, step := range []struct {
		name           string
		passed, waited time.Duration
		used           int64
		want           string // type of the error
	}{
		{"within", time.Minute, 0, 100, "<nil>"},
		{"too long", time.Minute + 1, 0, 100, "*answer.TimeoutError"},
		{"its reader was slow", time.Hour, 59 * time.Minute, 100, "<nil>"},
		{"slow, and too long", time.Hour + 1, 59 * time.Minute, 100, "*answer.TimeoutError"},
		{"too much", time.Second, 0, 101, "*answer.MemoryError"},
	} {
		used = step.used
		out.spent.Store(int64(step.waited))
		if got := fmt.Sprintf("%T", l.check(step.passed)); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	now := time.Now()
	out.spent.Store(0)
	out.since.Store(now.Add(-time.Hour).UnixNano())
	if waited := out.waited(now); waited != time.Hour {
		t.Errorf("a write that began an hour ago and has not ended: waited %s, want 1h", waited)
	}
	if n, err := residentMemory(); err != nil || n < 1<<20 || n > 1<<40 {
		t.Errorf("residentMemory = %d, %v; want some megabytes", n, err)
	}
}

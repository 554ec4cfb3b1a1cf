package study

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/plan"
)

// The past is over when all of it was asked about once: what is asked again, and what was
// uploaded later, is none of it.
func TestPast(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	var p past
	for i, step := range []struct {
		run            string
		from, to, asks int
		ended          int
	}{
		{"R1", 8, 10, 12, 12}, {"R1", 0, 4, 13, 13}, // interrupted
		{"R2", 9, 11, 14, 13}, {"R2", 4, 8, 15, 15}, {"R2", 10, 12, 16, 15}, {"R3", 0, 12, 17, 15},
	} {
		p.answered(step.run, plan.Window{Start: at(step.from), End: at(step.to)}, at(step.asks))
		if !p.started.Equal(at(12)) || !p.ended.Equal(at(step.ended)) {
			t.Errorf("answer %d: from %s to %s, want the end at %s", i, p.started, p.ended, at(step.ended))
		}
	}
}

// Time that was asked about before adds nothing.
func TestJoinedWith(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	var all []plan.Window
	for i, step := range []struct {
		from, to int
		more     bool
		n        int
	}{{10, 12, true, 1}, {10, 12, false, 1}, {11, 12, false, 1}, {2, 4, true, 2}, {4, 6, true, 2}, {5, 11, true, 1}, {2, 12, false, 1}, {0, 23, true, 1}} {
		joined, more := joinedWith(all, plan.Window{Start: at(step.from), End: at(step.to)})
		if all = joined; more != step.more || len(all) != step.n {
			t.Errorf("step %d: %v, more %t", i, all, more)
		}
	}
}

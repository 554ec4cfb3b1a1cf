package study

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/plan"
)

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

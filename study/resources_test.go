package study

import (
	"testing"
	"time"
)

// One reading in 14 days is more than nothing.
func TestCoveredIsExact(t *testing.T) {
	r := Resource{Name: "egvs", Held: &Holding{until: time.Date(2031, 3, 15, 0, 0, 0, 0, time.UTC), slots14d: 1}}
	if pct, ok := r.Covered(14); !ok || pct != 100.0/(14*288) {
		t.Errorf("one slot of 14 days covers %v %%, %t", pct, ok)
	}
}

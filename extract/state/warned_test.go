package state

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

func TestFirstSeen(t *testing.T) {
	ctx := context.Background()
	dir := newFolder(t)
	s := openIn(t, dir, newClock())
	for _, tt := range []struct {
		field, value string
		want         bool
	}{
		{"egvs.trend", "sideways", true},
		{"egvs.trend", "sideways", false},
		{"egvs.trend", "Sideways", true},
		{"alerts.alertName", "sideways", true},
		{"egvs.trend", "", true},
		{"egvs.trend", "", false},
	} {
		if got, err := s.FirstSeen(ctx, tt.field, tt.value); got != tt.want || err != nil {
			t.Errorf("FirstSeen(%q, %q) = %t, %v, want %t", tt.field, tt.value, got, err, tt.want)
		}
	}
	s.Close()
	if got, err := openIn(t, dir, newClock()).FirstSeen(ctx, "egvs.trend", "sideways"); got || err != nil {
		t.Errorf("FirstSeen after opening again = %t, %v, want false", got, err)
	}
}

// Of several processes that meet a value at once, one warns.
func TestFirstSeenTogether(t *testing.T) {
	dir := newFolder(t)
	var first atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		s := openIn(t, dir, newClock())
		wg.Go(func() {
			is, err := s.FirstSeen(context.Background(), "egvs.trend", "sideways")
			if err != nil {
				t.Errorf("FirstSeen = %v", err)
			}
			if is {
				first.Add(1)
			}
		})
	}
	wg.Wait()
	if got := first.Load(); got != 1 {
		t.Errorf("FirstSeen was true %d times, want once", got)
	}
}

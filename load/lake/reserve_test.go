package lake

import (
	"errors"
	"testing"
)

// A number that is reserved is given to no snapshot, and is accounted for.
func TestReserve(t *testing.T) {
	if err := open(t).Reserve(7); !errors.Is(err, ErrNotLocked) {
		t.Errorf("Reserve without the lock: %v", err)
	}
	l := locked(t)
	first := finish(t, l.Begin(Manifest{}))
	for _, last := range []int64{4, 7, 7, 1} {
		if err := l.Reserve(last); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := l.Gone()
	if err != nil || len(gone.Ranges) != 1 || gone.Ranges[0].First != 2 || gone.Ranges[0].Last != 7 || !l.Accounted(gone, 2, 7) {
		t.Errorf("reserved %+v, %v", gone, err)
	}
	if m := finish(t, l.Begin(first)); m.Snapshot != 8 || m.Parent != 1 {
		t.Errorf("the next snapshot is %d, made from %d; want 8, from 1", m.Snapshot, m.Parent)
	}
}

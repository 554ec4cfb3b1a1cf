package state

import (
	"fmt"
	"testing"
	"time"
)

// An allowance takes what an hour has, as the store does.
type allowance struct {
	hour hour
	now  time.Time
}

// take asks for up to n calls and returns how many were granted.
func (a *allowance) take(s Share, n int) int {
	for len(a.hour) > 0 && !a.now.Before(a.hour[0].end()) {
		a.hour = a.hour[1:]
	}
	g := a.hour.grant(s, n, a.now)
	if granted := g.atOnce + g.evenly; granted > 0 {
		m := a.minute()
		m.calls, m.atOnce, m.lastEven = m.calls+granted, m.atOnce+g.atOnce, g.lastEven
		return granted
	}
	return 0
}

func (a *allowance) minute() *minute {
	if n := len(a.hour); n == 0 || a.hour[n-1].number != minuteOf(a.now) {
		a.hour = append(a.hour, minute{number: minuteOf(a.now)})
	}
	return &a.hour[len(a.hour)-1]
}

// Whoever asks every second for all there is has, by a time, made so many calls: half of
// the hour's at once, then one a second of those that are left.
func TestPace(t *testing.T) {
	whole, backfill := Share{7440, 3720}, Share{6696, 2976}
	type asks struct {
		from, to time.Duration // to: 0 stands for never
		of       Share
		most     int // in all; 0: any number
	}
	for _, tt := range []struct {
		name    string
		who     []asks
		refused time.Duration // at which a call is refused as one too many; 0: none is
		want    map[time.Duration][]int
	}{
		{name: "alone", who: []asks{{of: whole}}, want: map[time.Duration][]int{
			0: {3720 + 16}, time.Minute: {3720 + 75}, 31 * time.Minute: {3720 + 1868}, 62*time.Minute - time.Second: {7440},
			62 * time.Minute: {7440 + 3720 + 2}, 93 * time.Minute: {7440 + 3720 + 1862}, 124 * time.Minute: {14880 + 3720 + 2},
		}},
		{name: "two processes share it", who: []asks{{of: whole, to: time.Second}, {from: time.Second, of: whole}}, want: map[time.Duration][]int{
			0: {3736, 0}, time.Second: {3736, 0}, 31 * time.Minute: {3736, 1852}, 62*time.Minute - time.Second: {3736, 3704},
		}},
		{name: "an hour passes", who: []asks{{of: whole, most: 3800}, {from: 62 * time.Minute, of: whole}}, want: map[time.Duration][]int{
			2 * time.Minute: {3800, 0}, 62 * time.Minute: {3800, 3720 + 16},
		}},
		{name: "few calls do not use it up", who: []asks{{of: whole, most: 3000}, {from: 10 * time.Minute, of: whole}}, want: map[time.Duration][]int{
			0: {3000, 0}, 10 * time.Minute: {3000, 720 + 18}, 40 * time.Minute: {3000, 720 + 18 + 2137},
		}},
		{name: "refused", who: []asks{{of: whole, most: 1000}, {from: time.Minute, of: whole}}, refused: 30 * time.Second, want: map[time.Duration][]int{
			0: {1000, 0}, time.Minute: {1000, 27}, 31 * time.Minute: {1000, 3182}, 62*time.Minute - time.Second: {1000, 6440},
			63 * time.Minute: {1000, 6440 + 1000 + 130},
		}},
		{name: "a sync while backfills go on", who: []asks{{of: backfill}, {from: 20 * time.Minute, of: whole, to: 40 * time.Minute}}, want: map[time.Duration][]int{
			0: {2976 + 16, 0}, 20*time.Minute - time.Second: {2976 + 1210, 0}, 20 * time.Minute: {2976 + 1211, 744 + 1},
		}},
	} {
		a := &allowance{now: time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)}
		began, got := a.now, make([]int, len(tt.who))
		for at := time.Duration(0); at <= 125*time.Minute; at += time.Second {
			a.now = began.Add(at)
			if tt.refused > 0 && at == tt.refused {
				a.minute().refused = true
			}
			for i, w := range tt.who {
				for n := 1; n > 0 && at >= w.from && (w.to == 0 || at < w.to) && (w.most == 0 || got[i] < w.most); got[i] += n {
					if n = 16; w.most > 0 {
						n = min(n, w.most-got[i])
					}
					n = a.take(w.of, n)
				}
			}
			if want, ok := tt.want[at]; ok && fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: calls made by %v: %v, want %v", tt.name, at, got, want)
			}
			if calls := a.hour.calls(); calls > whole.PerHour {
				t.Fatalf("%s: %d calls count at %v, the limit is %d", tt.name, calls, at, whole.PerHour)
			}
		}
	}
}

// What a share makes a run last is what a run that is alone takes.
func TestShareLasts(t *testing.T) {
	s := Share{7440, 3720}
	for calls, want := range map[int]time.Duration{
		0: 0, 3720: 0, 3780: time.Minute, 7440: 62 * time.Minute, 7441: 62 * time.Minute, 7440 + 3720: 62 * time.Minute,
		7440 + 3780: 63 * time.Minute, 3 * 7440: 3 * 62 * time.Minute,
	} {
		if got := s.Lasts(calls); got != want {
			t.Errorf("%d calls last %v, want %v", calls, got, want)
		}
	}
	if got := (Share{1, 1}).Lasts(3); got != 2*62*time.Minute {
		t.Errorf("3 calls at one an hour last %v, want two hours", got)
	}
}

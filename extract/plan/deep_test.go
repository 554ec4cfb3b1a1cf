package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Everybody has a turn for the deep beat once in every such time, and turns are
// spread over it: of 300 people about 10 come in each thirtieth, and in none more
// than twice as many.
func TestDeepSince(t *testing.T) {
	start := epoch
	for _, every := range []time.Duration{10 * time.Hour, 30 * 24 * time.Hour} {
		slice := every / 30
		perSlice := make([]int, 30)
		for n := range 300 {
			id := fmt.Sprintf("P%03d", n)
			var turns []time.Time
			for now := start; now.Before(start.Add(3 * every)); now = now.Add(every / 100) {
				turn := DeepSince(id, every, now)
				if ago := now.Sub(turn); ago < 0 || ago >= every {
					t.Fatalf("%s, every %v: the turn at %v was %v ago", id, every, now, ago)
				}
				turns = append(turns, turn)
			}
			turns = slices.Compact(turns)
			for i := range turns[1:] {
				if between := turns[i+1].Sub(turns[i]); between != every {
					t.Fatalf("%s: %v between two turns, want %v", id, between, every)
				}
			}
			perSlice[turns[1].Sub(start.Add(-every))%every/slice]++
		}
		if most := slices.Max(perSlice); most > 20 {
			t.Errorf("every %v: %d of 300 have their turn in the same 30th, want about 10: %v", every, most, perSlice)
		}
	}
}

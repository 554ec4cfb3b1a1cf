package metrics

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawGlucose are readings that wander, with gaps.
func drawGlucose(t *rapid.T) []Reading {
	var readings []Reading
	at, g := start, 100
	for range rapid.IntRange(0, 300).Draw(t, "n") {
		g = min(401, max(39, g+rapid.IntRange(-25, 25).Draw(t, "step")))
		at = at.Add(time.Duration(rapid.SampledFrom([]int{295, 300, 305, 300, 300, 1500, 2700, 2701, 9000}).Draw(t, "seconds")) * time.Second)
		readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: float64(g), HasValue: true})
	}
	return readings
}

// Episodes do not depend on the order of readings, lie in the data, one after
// the other, and cross no gap. One of level 2 lies in one of level 1.
func TestEpisodeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := drawGlucose(t)
		for _, rules := range []EpisodeRules{Consensus2023(), Danne2017(), IGLUEpisodes(15, 15)} {
			episodes, days := Episodes(readings, rules, DefaultNight())
			again, sameDays := Episodes(rapid.Permutation(readings).Draw(t, "order"), rules, DefaultNight())
			if !slices.Equal(episodes, again) || days != sameDays {
				t.Fatalf("%s: order matters", rules.Preset)
			}
			var minutes float64
			for i, e := range episodes {
				if i > 0 && episodes[i-1].Kind == e.Kind && e.Start.Before(episodes[i-1].End) {
					t.Fatalf("%s: %+v begins in %+v", rules.Preset, e, episodes[i-1])
				}
				if e.Kind == Hypo1 {
					minutes += e.DurationMin
				}
				checkEpisode(t, e, readings)
			}
			if minutes > days*1440+1e-6 {
				t.Fatalf("%s: %v min of hypos in %v days", rules.Preset, minutes, days)
			}
			if rules.Preset != "iglu" {
				checkLevels(t, episodes, Hypo1, Hypo2)
				checkLevels(t, episodes, Hyper1, Hyper2)
			}
		}
	})
}

// checkEpisode holds an episode against the readings in it.
func checkEpisode(t *rapid.T, e Episode, readings []Reading) {
	in := between(readings, e.Start, e.End)
	if len(in) < e.Readings || len(in) > e.Readings+1 { // the last one's cadence may reach the next
		t.Fatalf("%+v: %d readings in it", e, len(in))
	}
	in = in[:e.Readings]
	extreme := slices.Min(values(in))
	if e.Kind == Hyper1 || e.Kind == Hyper2 || e.Kind == HyperExtended || e.Kind == HyperExtended120 {
		extreme = slices.Max(values(in))
	}
	if e.ExtremeMgdL != extreme || !near(e.MeanMgdL, Mean(values(in)), 1e-9) || !near(e.DurationMin, e.End.Sub(e.Start).Minutes(), 1e-9) {
		t.Fatalf("%+v: extreme %v, mean %v, from start to end %v", e, extreme, Mean(values(in)), e.End.Sub(e.Start).Minutes())
	}
	if slices.ContainsFunc(gaps(in), func(gap float64) bool { return gap > 45 }) {
		t.Fatalf("%+v crosses a gap", e)
	}
}

// checkLevels holds that each of level 2 lies in one of level 1, which says so.
func checkLevels(t *rapid.T, episodes []Episode, level1, level2 EpisodeKind) {
	marked := 0
	for _, e := range episodes {
		if e.Kind == level1 && e.Level2 {
			marked++
		}
		if e.Kind == level2 && !slices.ContainsFunc(episodes, func(o Episode) bool {
			return o.Kind == level1 && o.Level2 && !o.Start.After(e.Start) && o.End.Equal(e.End)
		}) {
			t.Fatalf("%+v lies in none of level 1", e)
		}
	}
	if of := RateOf(episodes, 1, Of(level2)).N; of != marked {
		t.Fatalf("%d of level 2, %d of level 1 say that they hold one", of, marked)
	}
}

// A profile counts dates, not readings, and leaves out what has no local time.
func TestProfileDays(t *testing.T) {
	readings := every(12*time.Hour, 100, 200, 120, 220, 140) // 00:00 and 12:00
	readings = append(readings, Reading{Time: start.Add(time.Minute), Local: start.Add(4 * time.Minute), GlucoseMgdL: 110, HasValue: true})
	readings[3].Local = time.Time{}
	bins := Profile(readings, 15)
	if len(bins) != 2 || bins[0].StartMin != 0 || bins[0].Values != 4 || bins[0].Days != 3 || bins[1].StartMin != 720 || bins[1].Values != 1 {
		t.Fatalf("got %+v, want 4 values of 3 days at 00:00 and one at 12:00", bins)
	}
	if got := bins[0].Percentiles[3]; got != 115 { // of 100 110 120 140
		t.Errorf("median at 00:00: got %v, want 115", got)
	}
	if got := bins[0].Percentiles[0]; !near(got, 100+0.15*10, 1e-12) {
		t.Errorf("5th percentile at 00:00: got %v, want 101.5", got)
	}
}

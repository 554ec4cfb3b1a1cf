package metrics

import "math"

// markLevel2 marks the episodes of level 1 that one of level 2 overlaps. Both
// are by time.
func markLevel2(level1, level2 []Episode) {
	for i := range level1 {
		e := &level1[i]
		for len(level2) > 0 && !level2[0].End.After(e.Start) {
			level2 = level2[1:]
		}
		e.Level2 = len(level2) > 0 && level2[0].Start.Before(e.End)
	}
}

// A Rate sums up episodes of one kind.
type Rate struct {
	N               int
	PerWeek         float64 // NaN without exposure
	MeanDurationMin float64 // NaN of none
	MeanMgdL        float64 // of the episodes' means; NaN of none
	Truncated       int     // at either end
	Night           int
}

// RateOf sums up the episodes that are of a kind, over the exposure of their
// [Trace]. Of few days it says little: tell it with ExposureDays.
func RateOf(episodes []Episode, exposureDays float64, is func(Episode) bool) Rate {
	var r Rate
	var duration, mean float64
	for _, e := range episodes {
		if !is(e) {
			continue
		}
		r.N++
		duration += e.DurationMin
		mean += e.MeanMgdL
		if e.TruncatedStart || e.TruncatedEnd {
			r.Truncated++
		}
		if e.Night {
			r.Night++
		}
	}
	r.PerWeek = math.NaN()
	if exposureDays > 0 {
		r.PerWeek = 7 * float64(r.N) / exposureDays
	}
	r.MeanDurationMin, r.MeanMgdL = duration/float64(r.N), mean/float64(r.N)
	return r
}

// Of tells episodes of a kind.
func Of(kind EpisodeKind) func(Episode) bool {
	return func(e Episode) bool { return e.Kind == kind }
}

// OnlyLevel1 tells episodes of a kind of level 1 that hold none of level 2.
func OnlyLevel1(kind EpisodeKind) func(Episode) bool {
	return func(e Episode) bool { return e.Kind == kind && !e.Level2 }
}

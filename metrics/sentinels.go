package metrics

import "math"

// Sentinels are the values that Dexcom sends for "below" and "above what the
// sensor can measure", in mg/dL.
const (
	LowSentinel  = 39
	HighSentinel = 401
)

// A Censoring says what sentinels count as. Metrics under another one than
// AsSent tell how much depends on them.
type Censoring string

// The kinds of censoring.
const (
	AsSent   Censoring = ""        // 39 and 401: Dexcom sends them to be calculated with
	AtLimits Censoring = "40-400"  // 40 and 400, the limits of what is measured
	Left     Censoring = "exclude" // as no value at all
)

// Of is what a value counts as; NaN if it is left out.
func (c Censoring) Of(mgdL float64) float64 {
	switch {
	case c == AsSent || mgdL != LowSentinel && mgdL != HighSentinel:
		return mgdL
	case c == Left:
		return math.NaN()
	case mgdL == LowSentinel:
		return 40
	default:
		return 400
	}
}

// Readings returns the readings with their sentinels counted so. The slice is
// new.
func (c Censoring) Readings(readings []Reading) []Reading {
	result := make([]Reading, len(readings))
	for i, r := range readings {
		if counts := c.Of(r.GlucoseMgdL); math.IsNaN(counts) {
			r.GlucoseMgdL, r.HasValue = 0, false
		} else {
			r.GlucoseMgdL = counts
		}
		result[i] = r
	}
	return result
}

// Counts returns the counts with their sentinels counted so.
func (c Censoring) Counts(counts Counts) Counts {
	for _, sentinel := range []int{LowSentinel, HighSentinel} {
		n := counts[sentinel]
		counts[sentinel] = 0
		counts.Add(c.Of(float64(sentinel)), int(n))
	}
	return counts
}

package metrics

import (
	"slices"
	"time"
)

// A Reading is one moment of one participant.
type Reading struct {
	Time         time.Time // UTC
	Local        time.Time // the wall clock's fields, labelled UTC; zero if unknown
	GlucoseMgdL  float64
	HasValue     bool
	CadenceMin   int  // minutes that it stands for; 0 counts as 5
	Implausible  bool // it has no value because what was sent is none
	Excluded     bool // counts as excluded and in nothing else
	ClockSuspect bool
	Overlap      bool
}

// cadence is the minutes that the reading stands for.
func (r Reading) cadence() int {
	if r.CadenceMin == 0 {
		return 5
	}
	return r.CadenceMin
}

// valued returns the readings that count, oldest first. The slice is new.
func valued(readings []Reading) []Reading {
	result := make([]Reading, 0, len(readings))
	for _, r := range readings {
		if r.HasValue && !r.Excluded {
			result = append(result, r)
		}
	}
	slices.SortStableFunc(result, func(a, b Reading) int { return a.Time.Compare(b.Time) })
	return result
}

// inOrder are the readings that count, oldest first, as valued returns them. But
// if that is what the readings are already, they are the same slice, which is
// not to be changed.
func inOrder(readings []Reading) []Reading {
	for i, r := range readings {
		if !r.HasValue || r.Excluded || i > 0 && r.Time.Before(readings[i-1].Time) {
			return valued(readings)
		}
	}
	return readings
}

// values returns the glucose of readings, in their order.
func values(readings []Reading) []float64 {
	result := make([]float64, len(readings))
	for i, r := range readings {
		result[i] = r.GlucoseMgdL
	}
	return result
}

// gaps returns the minutes between successive readings, which must be sorted.
func gaps(readings []Reading) []float64 {
	var result []float64
	for i := 1; i < len(readings); i++ {
		result = append(result, readings[i].Time.Sub(readings[i-1].Time).Minutes())
	}
	return result
}

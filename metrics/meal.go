package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Meal is carbohydrates that somebody entered.
type Meal struct {
	Time  time.Time // UTC
	Grams float64
}

// The rules of a response. Entries shortly after each other are one meal: people
// enter what is on the plate piece by piece.
const (
	mealBefore   = time.Hour
	mealAfter    = 3 * time.Hour
	mealTogether = 15 * time.Minute
	mealPresent  = 80 // percent of mealAfter that slots with a value cover
	mealNearest  = 5 * time.Minute
)

// Why a meal has no response.
const (
	SecondMeal  = "second_meal"  // another one begins in the hour before or the three hours after
	FewReadings = "few_readings" // less than 80 percent of the three hours are there
	NoBaseline  = "no_baseline"  // no reading in the hour before
)

// A Response is what glucose does after a meal.
type Response struct {
	Meal        Meal    // of the first entry, with the grams of all
	Entries     int     // that make the meal
	Unusable    string  // SecondMeal, FewReadings, NoBaseline; empty: it counts
	BaseMgdL    float64 // mean of the hour before
	PeakMgdL    float64 // highest of the three hours after, the first of equal ones
	DeltaMgdL   float64 // peak less baseline
	PeakMin     float64 // from meal to peak
	RecoveryPct float64 // (peak - glucose an hour after it)/delta in percent; NaN without a rise, or a reading within 5 min of then
}

// Responses are those to each meal, by time. Without entries there are none: it
// is not known whether somebody ate. What cannot be computed is NaN.
func Responses(readings []Reading, meals []Meal) []Response {
	counted := inOrder(readings)
	eaten := together(meals)
	for i := range eaten {
		r := &eaten[i]
		near := func(other Response) bool {
			apart := other.Meal.Time.Sub(r.Meal.Time)
			return apart > -mealBefore && apart < mealAfter
		}
		alone := (i == 0 || !near(eaten[i-1])) && (i+1 == len(eaten) || !near(eaten[i+1]))
		r.measure(counted, alone)
	}
	return eaten
}

// together makes entries into meals, without a response yet.
func together(meals []Meal) []Response {
	var eaten []Response
	var latest time.Time
	for _, m := range slices.SortedStableFunc(slices.Values(meals), func(a, b Meal) int { return a.Time.Compare(b.Time) }) {
		if n := len(eaten); n > 0 && m.Time.Sub(latest) <= mealTogether {
			eaten[n-1].Meal.Grams += m.Grams
			eaten[n-1].Entries++
		} else {
			eaten = append(eaten, Response{Meal: m, Entries: 1})
		}
		latest = m.Time
	}
	return eaten
}

// measure fills the response, from readings with a value by time.
func (r *Response) measure(sorted []Reading, alone bool) {
	nan := math.NaN()
	r.BaseMgdL, r.PeakMgdL, r.DeltaMgdL, r.PeakMin, r.RecoveryPct = nan, nan, nan, nan, nan
	before := between(sorted, r.Meal.Time.Add(-mealBefore), r.Meal.Time)
	after := between(sorted, r.Meal.Time, r.Meal.Time.Add(mealAfter))
	_, coveredMin := Slots(after, nil)
	switch {
	case !alone:
		r.Unusable = SecondMeal
	case 100*coveredMin < mealPresent*int(mealAfter/time.Minute):
		r.Unusable = FewReadings
	case len(before) == 0:
		r.Unusable = NoBaseline
	default:
		r.rise(sorted, before, after)
	}
}

// rise measures baseline, peak and recovery.
func (r *Response) rise(sorted, before, after []Reading) {
	peak := after[0]
	for _, a := range after {
		if a.GlucoseMgdL > peak.GlucoseMgdL {
			peak = a
		}
	}
	r.BaseMgdL, r.PeakMgdL = Mean(values(before)), peak.GlucoseMgdL
	r.DeltaMgdL = r.PeakMgdL - r.BaseMgdL
	r.PeakMin = peak.Time.Sub(r.Meal.Time).Minutes()
	if later, ok := nearest(sorted, peak.Time.Add(time.Hour)); ok && r.DeltaMgdL > 0 {
		r.RecoveryPct = 100 * (r.PeakMgdL - later.GlucoseMgdL) / r.DeltaMgdL
	}
}

// between are the readings from start to before end.
func between(sorted []Reading, start, end time.Time) []Reading {
	return sorted[firstFrom(sorted, start):firstFrom(sorted, end)]
}

// firstFrom is the first reading that is not before an instant.
func firstFrom(sorted []Reading, at time.Time) int {
	i, _ := slices.BinarySearchFunc(sorted, at, func(r Reading, at time.Time) int { return r.Time.Compare(at) })
	return i
}

// nearest is the reading nearest to an instant, the earlier of two; it is false
// if none is near.
func nearest(sorted []Reading, at time.Time) (Reading, bool) {
	around := between(sorted, at.Add(-mealNearest), at.Add(mealNearest+1))
	if len(around) == 0 {
		return Reading{}, false
	}
	return slices.MinFunc(around, func(a, b Reading) int { return cmp.Compare(a.Time.Sub(at).Abs(), b.Time.Sub(at).Abs()) }), true
}

// MealMeans are the means over the responses that count; NaN of none.
type MealMeans struct {
	Meals, Usable                          int
	BaseMgdL, PeakMgdL, DeltaMgdL, PeakMin float64
	RecoveryPct                            float64 // over those that have one
	Grams                                  float64
}

// MeansOf are the means of responses.
func MeansOf(responses []Response) MealMeans {
	var usable []Response
	for _, r := range responses {
		if r.Unusable == "" {
			usable = append(usable, r)
		}
	}
	mean := func(of func(Response) float64) float64 {
		var known []float64
		for _, r := range usable {
			if v := of(r); !math.IsNaN(v) {
				known = append(known, v)
			}
		}
		return Mean(known)
	}
	return MealMeans{
		Meals: len(responses), Usable: len(usable),
		BaseMgdL:    mean(func(r Response) float64 { return r.BaseMgdL }),
		PeakMgdL:    mean(func(r Response) float64 { return r.PeakMgdL }),
		DeltaMgdL:   mean(func(r Response) float64 { return r.DeltaMgdL }),
		PeakMin:     mean(func(r Response) float64 { return r.PeakMin }),
		RecoveryPct: mean(func(r Response) float64 { return r.RecoveryPct }),
		Grams:       mean(func(r Response) float64 { return r.Meal.Grams }),
	}
}
